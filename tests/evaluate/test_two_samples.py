"""Errors of comparisons of two samples, against the spread over samples that are drawn independently."""

import numpy as np
import pytest

from bevatron.evaluate.inspection.generated import frechet_distance, nearest
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.two_samples import (
    ReplicaMoments,
    diversities,
    fractions_of_classes,
    frechet_distances,
    means,
)

N, TIMES, REPLICAS = 250, 200, 50
RANDOM = np.random.default_rng(20)
TRAIN = RANDOM.standard_normal((400, 3))


def samples(random):
    """Features of N real and of N generated images: two normal distributions of another mean and width."""
    return random.standard_normal((N, 3)), 1.4 * random.standard_normal((N, 3)) + (0.8, 0.0, -0.3)


def statistics(real, made, weights, drawn):
    """Every comparison by name, in all replicas."""
    d_real, d_made = 1.0 - real[:, 0], -1.0 + made[:, 0]  # the outputs of some discriminator
    distances = nearest(real, TRAIN)[0], nearest(made, TRAIN)[0]
    order = [np.argsort(d) for d in distances]
    medians = [
        d[o][np.argmax(np.cumsum(w[o], axis=0) >= w.sum(0) / 2, axis=0)]
        for d, o, w in zip(distances, order, (weights.astype(float), drawn.astype(float)), strict=True)
    ]
    numbers = np.digitize(made[:, 1], [-2.55, -1.0, 0.0, 1.0, 2.55])
    return {
        "frechet": frechet_distances(ReplicaMoments.of(real, weights), ReplicaMoments.of(made, drawn)),
        "diversity": diversities(made, drawn) / diversities(real, weights),
        "d_accuracy": (means(d_real > 0, weights) + means(d_made < 0, drawn)) / 2,
        "V": means(-np.logaddexp(0, -d_real), weights) + means(-np.logaddexp(0, d_made), drawn),
        "memorisation": medians[1] / medians[0],
        "classes": fractions_of_classes(numbers, 6, drawn, 0.2),
    }


@pytest.fixture(scope="module")
def toys():
    """By name: the spread over independent samples, and the mean of the errors that single samples say."""
    once, values, errors = np.ones((N, 1)), [], []
    for k in range(TIMES):
        real, made = samples(np.random.default_rng([21, k]))
        values.append(statistics(real, made, once, once))
        if k < 20:
            replicas = [Bootstrap(np.arange(N), REPLICAS, f"{name} {k}").weights() for name in ("real", "generated")]
            errors.append({name: v[1:].std(ddof=1) for name, v in statistics(real, made, *replicas).items()})
    names = values[0]
    spread = {name: np.std([v[name][0] for v in values], ddof=1) for name in names}
    return spread, {name: np.sqrt(np.mean([e[name] ** 2 for e in errors])) for name in names}


@pytest.mark.parametrize("name", ["frechet", "diversity", "d_accuracy", "V", "memorisation"])
def test_the_error_of_one_sample_is_the_spread_over_many(toys, name):
    spread, error = toys
    assert error[name] == pytest.approx(spread[name], rel=0.2)


def test_the_error_of_a_fraction_of_classes_has_the_right_size(toys):
    """It jumps by a sixth, so that its error is rough; without any it would be zero."""
    spread, error = toys
    assert 0.5 < error["classes"] / spread["classes"] < 2.0


def test_test_images_alone_would_say_too_small_an_error(toys):
    """Without the generated images' fluctuations, half of the variance of V is missing."""
    real, made = samples(np.random.default_rng(22))
    weights = Bootstrap(np.arange(N), 400, "real").weights()
    alone = statistics(real, made, weights, np.ones_like(weights))["V"][1:].std(ddof=1)
    assert alone < 0.85 * toys[0]["V"]


def test_distances_in_all_replicas_are_those_of_the_formula():
    real, made = samples(np.random.default_rng(23))
    weights, drawn = (Bootstrap(np.arange(N), 5, name).weights() for name in "ab")
    found = frechet_distances(ReplicaMoments.of(real, weights), ReplicaMoments.of(made, drawn))
    expected = [frechet_distance(real, made, w, v) for w, v in zip(weights.T * 1.0, drawn.T * 1.0, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    repeated = [np.repeat(x, w[:, 3], axis=0) for x, w in ((real, weights), (made, drawn))]
    assert found[3] == pytest.approx(frechet_distance(*repeated), rel=1e-9)


def test_moments_do_not_depend_on_how_many_images_are_taken_at_once(monkeypatch):
    real, _ = samples(np.random.default_rng(24))
    weights = Bootstrap(np.arange(N), 3, "a").weights()
    whole = ReplicaMoments.of(real + 1e4, weights)  # far from zero: nothing cancels
    monkeypatch.setattr("bevatron.evaluate.statistics.two_samples.BLOCK", 7)
    in_parts = ReplicaMoments.of(real + 1e4, weights)
    np.testing.assert_allclose(in_parts.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(in_parts.covariance, whole.covariance, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(whole.covariance[0], np.cov(real.T), rtol=1e-7, atol=1e-9)


def test_diversity_is_the_mean_distance_of_pairs():
    from scipy.spatial.distance import pdist

    images = RANDOM.random((40, 5))
    assert diversities(images, np.ones((40, 1)))[0] == pytest.approx(pdist(images).mean(), rel=1e-9)
    drawn = np.zeros((40, 1), np.uint8)
    drawn[[3, 8]] = 2  # two images twice: their distance, and no image is its own partner
    assert diversities(images, drawn)[0] == pytest.approx(np.linalg.norm(images[3] - images[8]), rel=1e-6)
