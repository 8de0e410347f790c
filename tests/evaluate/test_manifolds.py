"""Precision and recall against brute force and in limits that are known; the bias of the Fréchet distance; collapse."""

import numpy as np
import pytest

from bevatron.evaluate.statistics.collapse import has_collapsed
from bevatron.evaluate.statistics.manifolds import (
    Manifold,
    distances_to_drawn,
    precision_and_recall,
    recentred,
    spacings,
)
from bevatron.evaluate.statistics.two_samples import (
    ReplicaMoments,
    extrapolated_distances,
    frechet_distances,
    halves_of,
)


def measured(real, generated, weights=None, drawn=None):
    weights = np.ones((len(real), 1)) if weights is None else weights
    drawn = np.ones((len(generated), 1)) if drawn is None else drawn
    return precision_and_recall(Manifold.of(real, weights), weights, Manifold.of(generated, drawn), drawn)


def by_hand(points, others, k=3):
    """Fraction of the others inside a ball of a point, by the definition, one by one."""
    radii = [sorted(np.linalg.norm(points - point, axis=1))[k] for point in points]  # the first is the point itself
    return np.mean([(np.linalg.norm(points - other, axis=1) <= radii).any() for other in others])


def test_they_are_those_of_the_definition():
    random = np.random.default_rng(50)
    real, generated = random.standard_normal((60, 3)), 0.7 * random.standard_normal((45, 3)) + 0.4
    precision, recall = measured(real, generated)
    assert precision[0] == pytest.approx(by_hand(real, generated))
    assert recall[0] == pytest.approx(by_hand(generated, real))
    assert 0.1 < recall[0] < precision[0] < 1.0


def test_identical_samples_are_all_inside_and_distant_ones_are_not():
    random = np.random.default_rng(51)
    real = random.standard_normal((150, 5))
    assert measured(real, real.copy()) == (pytest.approx([1.0]), pytest.approx([1.0]))
    assert measured(real, real + 100.0) == (pytest.approx([0.0]), pytest.approx([0.0]))


def test_a_dropped_mode_lowers_recall_alone():
    """Two modes far apart, of which one is made: all of it is real, and half of what is real is covered."""
    random = np.random.default_rng(52)

    def sample(n, centres):
        return random.standard_normal((n, 4)) + 50.0 * random.choice(centres, n)[:, None]

    real = sample(800, [0, 1])
    both, one = measured(real, sample(800, [0, 1])), measured(real, sample(800, [0]))
    assert one[0][0] == pytest.approx(both[0][0], abs=0.05)
    assert both[1][0] > 0.8
    assert one[1][0] == pytest.approx(both[1][0] / 2, abs=0.06)


def test_bad_images_beside_good_ones_lower_precision_alone():
    """Half of the images are far from all real ones, and far from each other's neighbours: real ones stay covered."""
    random = np.random.default_rng(53)
    real, good = random.standard_normal((2, 600, 4))
    bad = random.standard_normal((600, 4)) + 50.0
    of_good, of_both = measured(real, good), measured(real, np.concatenate([good, bad]))
    assert of_both[0][0] == pytest.approx(of_good[0][0] / 2, abs=0.03)
    assert of_both[1][0] == pytest.approx(of_good[1][0], abs=0.03)


def test_a_replica_is_the_sample_that_was_drawn():
    """Points that were not drawn are no part of the manifold and do not count; those drawn twice count twice."""
    random = np.random.default_rng(54)
    real, generated = random.standard_normal((80, 3)), random.standard_normal((70, 3)) + 0.5
    weights, drawn = random.poisson(1.0, (80, 4)), random.poisson(1.0, (70, 4))
    precision, recall = measured(real, generated, weights, drawn)
    for k in range(4):
        a, b = real[weights[:, k] > 0], generated[drawn[:, k] > 0]
        assert precision[k] == pytest.approx(by_hand(a, np.repeat(generated, drawn[:, k], axis=0)))
        assert recall[k] == pytest.approx(by_hand(b, np.repeat(real, weights[:, k], axis=0)))


def test_errors_from_replicas_are_the_spread_of_new_samples():
    """To a third: as near as 60 replicas, 60 repetitions and an estimator of smaller samples allow."""
    repeated, random = [], np.random.default_rng(55)
    for _ in range(60):
        real, generated = random.standard_normal((200, 2)), 1.5 * random.standard_normal((200, 2))
        repeated.append([values[0] for values in measured(real, generated)])
    draws = [np.concatenate([np.ones((200, 1)), random.poisson(1.0, (200, 60))], 1) for _ in range(2)]
    replicas = measured(real, generated, *draws)
    for k in range(2):
        assert replicas[k][1:].std() == pytest.approx(np.std(repeated, axis=0)[k], rel=0.35)


def test_replicas_are_about_the_sample_s_own_value():
    assert recentred(np.array([0.5, 0.6, 0.8])) == pytest.approx([0.5, 0.4, 0.6])
    assert recentred(np.array([0.0, 0.1, 0.3])) == pytest.approx([0.0, 0.0, 0.1])
    assert recentred(np.array([0.7])) == pytest.approx([0.7])


def test_few_points_have_the_farthest_as_their_neighbour():
    points = np.array([[0.0], [1.0], [3.0]])
    found = distances_to_drawn(np.abs(points - points.T), np.ones((3, 1), bool), 3)
    assert found[:, 0].tolist() == [3.0, 2.0, 3.0]


def test_copies_have_no_distance_between_them():
    random = np.random.default_rng(56)
    images, once = random.random((100, 9)), np.ones((100, 1))
    x = np.linspace(0.0, 1.0, 101)[:, None]
    assert spacings(x, np.ones((101, 1)))[0] == pytest.approx(0.01)
    assert spacings(np.repeat(images[:50], 2, axis=0), once)[0] == pytest.approx(0.0, abs=1e-6)


def test_the_bias_of_the_frechet_distance_is_taken_away():
    """Two samples of one normal distribution of k dimensions: the expected distance of N images each is, to first
    order in 1/N, (2 k + k (k + 1) / 2) / N: that of means, and a quarter of the squared difference of covariances.
    """
    k, n, random = 12, 400, np.random.default_rng(57)
    once, plain, extrapolated = np.ones((n, 1)), [], []
    for _ in range(60):
        a, b = random.standard_normal((2, n, k))
        plain.append(frechet_distances(ReplicaMoments.of(a, once), ReplicaMoments.of(b, once)))
        extrapolated.append(extrapolated_distances(plain[-1], halves_of(a, once), halves_of(b, once)))
    bias = (2 * k + k * (k + 1) / 2) / n
    assert np.mean(plain) == pytest.approx(bias, rel=0.06)
    assert abs(np.mean(extrapolated)) < 4 * np.std(extrapolated) / np.sqrt(60) + 0.05 * bias


def test_a_distance_that_is_there_stays():
    """N(0, 1) and N(1, 1) in each of 8 dimensions: a distance of 8."""
    random, once = np.random.default_rng(58), np.ones((2_000, 1))
    a, b = random.standard_normal((2_000, 8)), random.standard_normal((2_000, 8)) + 1.0
    plain = frechet_distances(ReplicaMoments.of(a, once), ReplicaMoments.of(b, once))
    found = extrapolated_distances(plain, halves_of(a, once), halves_of(b, once))
    assert found[0] == pytest.approx(8.0, abs=0.5)


@pytest.mark.parametrize(
    ("recall", "spacing", "diversity", "collapsed"),
    [(0.5, 0.9, 1.0, 0.0), (0.04, 0.9, 1.0, 1.0), (0.5, 0.1, 1.0, 1.0), (0.5, 0.9, 0.2, 1.0)],
)
def test_each_sign_of_a_collapse_is_enough(recall, spacing, diversity, collapsed):
    assert has_collapsed(*(np.array([value]) for value in (recall, spacing, diversity))).tolist() == [collapsed]
