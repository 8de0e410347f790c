"""Which collision made the jets: groups of tracks along the beam."""

import numpy as np
import pytest

from bevatron.prepare.vertexing.collision_finder import find_collisions

SIGMA = 0.1


def tracks(*z_and_pt, sigma=SIGMA, event=None):
    z, pt = np.array(z_and_pt, float).reshape(-1, 2).T
    parameters = np.zeros((len(z), 5))
    parameters[:, 1] = z
    event = np.zeros(len(z), np.int64) if event is None else np.asarray(event)
    return event, parameters, np.full(len(z), sigma**2), pt


def test_the_group_with_the_largest_sum_of_squares_wins_over_the_largest_group():
    many = [(10.0 + 0.02 * k, 1.5) for k in range(10)]
    hard = [(-30.0, 20.0), (-30.1, 10.0)]
    found = find_collisions(*tracks(*many, *hard), 1.0, 1)
    assert found.z[0] == pytest.approx(-30.05, abs=1e-6)
    assert found.n_found[0] == 2


def test_one_hard_track_alone_is_no_collision():
    found = find_collisions(*tracks((0.0, 100.0), (20.0, 2.0), (20.1, 2.0)), 1.0, 1)
    assert found.z[0] == pytest.approx(20.05)
    assert found.n_found[0] == 1


def test_z_is_the_mean_weighted_by_errors():
    event, parameters, _, pt = tracks((1.0, 5.0), (1.2, 5.0), (1.1, 5.0))
    variance = np.array([0.04, 0.16, 0.08])
    found = find_collisions(event, parameters, variance, pt, 1.0, 1)
    expected = np.average([1.0, 1.2, 1.1], weights=1 / variance)
    assert found.z[0] == pytest.approx(expected, abs=2e-3)  # the adaptive weights differ a little from 1


def test_soft_displaced_and_badly_measured_tracks_take_no_part():
    event, parameters, variance, pt = tracks((0.0, 0.9), (0.0, 0.9), (5.0, 9.0), (5.0, 9.0), (9.0, 2.0), (9.0, 2.0))
    parameters[2, 0] = 4.5
    variance[3] = 1.1
    found = find_collisions(event, parameters, variance, pt, 1.0, 1)
    assert found.z[0] == pytest.approx(9.0)
    assert found.n_found[0] == 1


def test_events_without_tracks_and_in_any_order():
    event, parameters, variance, pt = tracks((3.0, 2.0), (7.0, 2.0), (3.1, 2.0), (7.1, 2.0), event=[4, 1, 4, 1])
    found = find_collisions(event, parameters, variance, pt, 1.0, 6)
    np.testing.assert_allclose(found.z, [0, 7.05, 0, 0, 3.05, 0])
    np.testing.assert_array_equal(found.n_found, [0, 1, 0, 0, 1, 0])
    for events in (0, 3):
        nothing = find_collisions(*tracks(), 1.0, events)
        assert nothing.z.shape == nothing.n_found.shape == (events,)


def test_separate_collisions_are_all_found_and_close_ones_merge():
    """Toys: 30 collisions of the LHC's spread, each with 6 tracks; found are about as many as are 6 σ apart."""
    random = np.random.default_rng(1)
    n_events, counts, n_apart = 40, [], []
    for _ in range(n_events):
        places = np.sort(random.normal(0.0, 56.0, 30))
        z = np.repeat(places, 6) + random.normal(0.0, SIGMA, 180)
        found = find_collisions(*tracks(*zip(z, np.full(180, 2.0), strict=True)), 1.0, 1)
        counts.append(found.n_found[0])
        n_apart.append(1 + (np.diff(places) > 4 * SIGMA).sum())
    assert np.mean(counts) == pytest.approx(np.mean(n_apart), rel=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_against_a_plain_search_over_all_tracks(seed):
    """Where groups are far apart, the answer is that of plain sums."""
    random = np.random.default_rng(seed)
    places = np.arange(-50.0, 50.0, 5.0)
    n = random.integers(2, 9, len(places))
    z = np.repeat(places, n) + random.normal(0, 0.02, n.sum())
    pt = random.exponential(2.0, n.sum()) + 1.0
    found = find_collisions(*tracks(*zip(z, pt, strict=True)), 1.0, 1)
    sums = np.bincount(np.repeat(np.arange(len(places)), n), pt**2)
    assert abs(found.z[0] - places[sums.argmax()]) < 0.1
    assert found.n_found[0] == len(places)
