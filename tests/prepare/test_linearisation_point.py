"""Where a vertex fit begins: nearest points of helices, and the mode of many points."""

import numpy as np
import pytest
from scipy.optimize import minimize

from bevatron.prepare.tracking.helix import perigee
from bevatron.prepare.vertexing.linearisation_point import (
    MAX_PAIRS,
    fill_helix,
    fill_point,
    find_mode,
    find_nearest,
    find_start,
)

FIELD = 2.0


def helices_through(points, seed):
    """One random track through each of points (n, 3) within 30 mm: its parameters, its helix."""
    random = np.random.default_rng(seed)
    n = len(points)
    pt, eta, phi = random.uniform(0.5, 10, n), random.uniform(-2, 2, n), random.uniform(-np.pi, np.pi, n)
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)
    tracks = perigee(momentum, points, random.choice([-1.0, 1.0], n), FIELD).parameters
    helices = np.empty((n, 6))
    for track, helix in zip(tracks, helices, strict=True):
        fill_helix(track, FIELD, helix)
    return tracks, helices


def point_of(helix, path):
    point, tangent = np.empty(3), np.empty(3)
    fill_point(helix, path, point, tangent)
    return point, tangent


def mode_of(values, weights=None):
    values = np.array(values, float)
    weights = np.ones(len(values)) if weights is None else np.array(weights, float)
    return find_mode(values, weights, len(values), np.empty(len(values) + 1))


def test_a_helix_goes_through_its_point_with_its_tangent():
    points = np.random.default_rng(1).normal(0, 10, (30, 3))
    _, helices = helices_through(points, 2)
    for helix, point in zip(helices, points, strict=True):
        path = minimize(lambda s, helix=helix, point=point: ((point_of(helix, s[0])[0] - point) ** 2).sum(), [0.0]).x[0]
        np.testing.assert_allclose(point_of(helix, path)[0], point, atol=1e-4)
        slope = (point_of(helix, path + 1e-3)[0] - point_of(helix, path - 1e-3)[0]) / 2e-3
        np.testing.assert_allclose(point_of(helix, path)[1], slope, atol=1e-6)


def test_helices_through_one_point_meet_there():
    points = np.random.default_rng(3).normal(0, 6, (40, 3))
    _, first = helices_through(points, 4)
    _, second = helices_through(points, 5)
    middle, met = np.empty(3), 0
    for a, b, point in zip(first, second, points, strict=True):
        distance = find_nearest(a, b, np.empty((4, 3)), middle)
        met += distance >= 0 and np.abs(middle - point).max() < 1e-3
        assert distance < 1e-3  # two circles can cross twice: all the same, the helices meet
    assert met >= 38


def test_nearest_points_are_those_of_a_minimiser():
    random = np.random.default_rng(6)
    _, first = helices_through(random.normal(0, 3, (20, 3)), 7)
    _, second = helices_through(random.normal(0, 3, (20, 3)), 8)
    middle = np.empty(3)
    for a, b in zip(first, second, strict=True):
        distance = find_nearest(a, b, np.empty((4, 3)), middle)
        best = minimize(lambda s, a=a, b=b: ((point_of(a, s[0])[0] - point_of(b, s[1])[0]) ** 2).sum(), [0.0, 0.0])
        assert distance == pytest.approx(np.sqrt(best.fun), abs=1e-3)
        expected = (point_of(a, best.x[0])[0] + point_of(b, best.x[1])[0]) / 2
        np.testing.assert_allclose(middle, expected, atol=2e-2)


def test_parallel_tracks_have_no_nearest_point():
    _, helices = helices_through(np.zeros((1, 3)), 9)
    moved = helices[0] + [0.1, 0, 0, 0, 0, 0]
    moved[4] = helices[0, 4] = 0.0
    assert find_nearest(helices[0], moved, np.empty((4, 3)), np.empty(3)) == -1.0


def half_interval_mode(values, weights):
    """The same mode from lists, by its definition (CMSSW: FsmwClusterizer1D)."""
    points = sorted(zip(values, weights, strict=True))
    while True:
        size = len(points) - 1
        step = max(int((1 + size) * 0.4), 1)
        windows = [points[k : k + step + 1] for k in range(size - step + 1)]
        points = min(windows, key=lambda window: (window[-1][0] - window[0][0]) / sum(w for _, w in window))
        if size < 4:
            return sum(v * w for v, w in (points[0], points[-1])) / (points[0][1] + points[-1][1])


def test_the_mode_is_that_of_its_definition():
    random = np.random.default_rng(10)
    for n in [2, 3, 4, 5, 6, 10, 45, 400]:
        for _ in range(10):
            values, weights = random.normal(size=n), random.uniform(0.1, 1.0, n)
            assert mode_of(values, weights) == pytest.approx(half_interval_mode(values, weights), abs=1e-12)
    assert mode_of([3.0]) == 3.0


def test_the_mode_is_where_most_points_are():
    random = np.random.default_rng(11)
    values = np.concatenate([random.normal(5.0, 0.01, 40), random.uniform(-100, 100, 60)])
    assert mode_of(random.permutation(values)) == pytest.approx(5.0, abs=0.05)


def test_a_near_pair_outweighs_a_far_one():
    """Of three points at equal gaps, the two whose tracks come near to each other."""
    assert mode_of([0.0, 1.0, 2.0], [0.1, 0.1, 1.0]) > 1.0 > mode_of([0.0, 1.0, 2.0], [1.0, 0.1, 0.1])


@pytest.mark.parametrize("n", [2, 5, 28, 29, 60])
def test_the_start_is_the_vertex_of_exact_tracks(n):
    """With more than 28 tracks not all pairs are used."""
    assert (n * (n - 1) // 2 >= MAX_PAIRS) == (n > 28)
    point, start = np.array([3.0, -2.0, 15.0]), np.empty(3)
    tracks, _ = helices_through(np.repeat(point[None], n, axis=0), 12)
    find_start(tracks, np.arange(n), n, FIELD, start)
    np.testing.assert_allclose(start, point, atol=1e-2)


def test_two_fifths_of_other_tracks_do_not_move_the_start():
    point, start = np.array([3.0, -2.0, 15.0]), np.empty(3)
    good, _ = helices_through(np.repeat(point[None], 6, axis=0), 13)
    other, _ = helices_through(np.random.default_rng(14).normal(0, 10, (4, 3)), 15)
    find_start(np.concatenate([good, other]), np.arange(10), 10, FIELD, start)
    np.testing.assert_allclose(start, point, atol=0.05)


def test_without_a_nearest_point_it_is_between_the_perigees():
    track = np.array([0.5, 2.0, 0.3, 1.2, 0.1])
    tracks, start = np.stack([track, track]), np.empty(3)
    find_start(tracks, np.arange(2), 2, FIELD, start)
    np.testing.assert_allclose(start, [-0.5 * np.sin(0.3), 0.5 * np.cos(0.3), 2.0])
