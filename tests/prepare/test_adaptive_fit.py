"""The adaptive fit: against a fit of all parameters by another library, its closed forms and known truth."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import least_squares

from bevatron.prepare.jets.adaptive_cuts import AdaptiveCuts
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.tracking.helix import perigee
from bevatron.prepare.vertexing.adaptive_fit import Annealing, fit_adaptive, weigh_track
from bevatron.prepare.vertexing.adaptive_vertices import fit_single_adaptive, reconstruct_adaptive

FIELD = 2.0
EVERYTHING = AdaptiveCuts(single_cut=100.0)  # all weights one


def fit(tracks, cuts=EVERYTHING, function=fit_single_adaptive, selected=None):
    jets = int(tracks.jet.max()) + 1
    selected = np.ones(len(tracks), bool) if selected is None else selected
    return function(tracks, selected, jets, np.zeros((jets, 3)), None, FIELD, cuts)


def fit_all_parameters(tracks, weight, prior, start):
    """Vertex and momenta of all tracks, as a general minimiser finds them: position, covariance, χ² of the vertex.

    Residuals: the five perigee parameters of the helix of each momentum through the vertex, whitened by the full
    covariance, times the square root of the weight; and the vertex's distance from `prior` in units of 1000 mm.
    """
    n = len(tracks)
    whiten = np.linalg.inv(np.linalg.cholesky(tracks.covariance))
    charge = np.sign(tracks.parameters[:, 4])
    phi, theta, p = tracks.parameters[:, 2], tracks.parameters[:, 3], 1 / np.abs(tracks.parameters[:, 4])

    def residuals(x):
        momentum = x[3:].reshape(n, 3) * p[:, None]
        found = perigee(momentum, np.repeat(x[None, :3], n, axis=0), charge, FIELD).parameters
        away = found - tracks.parameters
        away[:, 2] = np.remainder(away[:, 2] + np.pi, 2 * np.pi) - np.pi
        white = np.sqrt(weight)[:, None] * np.einsum("nij,nj->ni", whiten, away)
        return np.concatenate([white.ravel(), (x[:3] - prior) / 1000.0])

    directions = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1)
    best = least_squares(residuals, np.concatenate([start, directions.ravel()]), "3-point", x_scale="jac", xtol=1e-14)
    return best.x[:3], np.linalg.inv(best.jac.T @ best.jac)[:3, :3], 2 * best.cost


def fit_momentum(track, vertex):
    """χ² of one track to a given vertex: its momentum alone is free."""
    whiten = np.linalg.inv(np.linalg.cholesky(track.covariance[0]))
    _, _, phi, theta, q_over_p = track.parameters[0]
    start = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])

    def residuals(x):
        found = perigee(x[None] / abs(q_over_p), vertex[None], np.sign([q_over_p]), FIELD).parameters[0]
        away = found - track.parameters[0]
        away[2] = np.remainder(away[2] + np.pi, 2 * np.pi) - np.pi
        return whiten @ away

    return 2 * least_squares(residuals, start, "3-point", x_scale="jac").cost


@pytest.fixture(scope="module")
def decays(toy):
    made, point, _ = toy.decays(12, 4, 2.0, 1)
    return toy.seen(made, np.zeros((12, 3)), 2), point


@pytest.mark.parametrize("steps", [7, 40])
def test_a_general_minimiser_finds_the_same_vertex(decays, steps):
    """Position, covariance and χ², at the weights that the fit gave. They differ by terms of second order in the
    errors of momenta: derivatives are taken at the measured ones.
    """
    tracks, point = decays
    found = fit(tracks, AdaptiveCuts(single_cut=1.5, member_weight=0.0, max_steps=steps, shift_max=1e-12))
    assert len(found) == 12
    assert found.weight.min() < 0.3
    assert found.weight.max() > 0.7
    for row, jet in enumerate(found.jet):
        inside = np.flatnonzero(tracks.jet == jet)
        position, covariance, chi2 = fit_all_parameters(
            tracks.take(inside), found.weight[inside], found.position[row], point[jet]
        )
        error = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose(found.position[row] / error, position / error, atol=0.03)
        scale = np.outer(error, error)
        np.testing.assert_allclose(found.covariance[row] / scale, covariance / scale, atol=0.02)
        assert found.chi2[row] == pytest.approx(chi2, rel=0.01, abs=0.01)


def test_weights_follow_the_formula(decays):
    """w = 1 / (1 + exp((χ² - cut²) / 2)) at the end; χ² is the track's own at the vertex, plus that of the vertex
    to the one that the general minimiser makes of the other tracks at their weights.
    """
    tracks, point = decays
    found = fit(tracks, AdaptiveCuts(single_cut=2.0, member_weight=0.0, max_steps=60, shift_max=1e-12))
    weights = []
    for row, jet in list(enumerate(found.jet))[:5]:
        inside = np.flatnonzero(tracks.jet == jet)
        for k in inside:
            others = inside[inside != k]
            without, covariance, _ = fit_all_parameters(
                tracks.take(others), found.weight[others], found.position[row], point[jet]
            )
            step = found.position[row] - without
            chi2 = fit_momentum(tracks.take([k]), found.position[row]) + step @ np.linalg.inv(covariance) @ step
            assert found.weight[k] == pytest.approx(1 / (1 + np.exp((chi2 - 4.0) / 2)), abs=0.02)
            weights.append(found.weight[k])
    assert np.ptp(weights) > 0.3


@pytest.mark.parametrize("cut", [1.0, 3.0])
def test_annealing(cut):
    """Tracks without a distance weigh 1 / (1 + exp(-cut² / 2T)); T - 1 is 255 and then a quarter at each step."""
    track = np.array([0.5, 2.0, 0.3, 1.2, 0.1])
    covariance = np.diag([1e-4, 1e-3, 1e-7, 1e-7, 1e-6])
    tracks = Tracks(
        np.zeros(2, int), np.zeros(2, int), np.stack([track] * 2), np.stack([covariance] * 2), np.ones(2, bool)
    )
    for steps in range(1, 8):
        cuts = AdaptiveCuts(single_cut=cut, member_weight=0.0, max_steps=steps, shift_max=1e-12)
        temperature = 1 + 255 * 0.25 ** (steps - 1)
        expected = 1 / (1 + np.exp(-(cut**2) / (2 * temperature)))
        np.testing.assert_allclose(fit(tracks, cuts).weight, expected, rtol=1e-6)
    # By default the last step is the seventh: after it T = 1.0156 is below 1.02.
    cuts = AdaptiveCuts(single_cut=cut, member_weight=0.0)
    expected = 1 / (1 + np.exp(-(cut**2) / (2 * (1 + 255 * 0.25**6))))
    np.testing.assert_allclose(fit(tracks, cuts).weight, expected, rtol=1e-6)


def test_a_weight_at_its_limits():
    assert weigh_track(9.0, 9.0, 1.0) == 0.5
    assert weigh_track(0.0, 1e6, 1.0) == 1.0
    for chi2 in (1e9, np.inf, np.nan):
        assert weigh_track(chi2, 9.0, 1.0) == 1e-20


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_pulls_are_unit_and_probabilities_flat(toy, n):
    """With all weights one: the usual fit. 2,000 decays of n tracks."""
    made, point, _ = toy.decays(2_000, n, 4.0, 3 * n)
    tracks = toy.seen(made, np.zeros((2_000, 3)), 3 * n + 1)
    found = fit(tracks)
    assert found.weight.min() > 1 - 1e-9
    np.testing.assert_array_equal(found.n_tracks, n)
    np.testing.assert_allclose(found.ndf, 2 * n - 3)
    pulls = toy.pulls(found.position, point[found.jet], found.covariance)
    np.testing.assert_allclose(pulls.mean(axis=0), 0.0, atol=5 / np.sqrt(2_000))
    np.testing.assert_allclose(pulls.std(axis=0), 1.0, atol=5 / np.sqrt(4_000))
    assert stats.kstest(stats.chi2.sf(found.chi2, 2 * n - 3), "uniform").pvalue > 1e-4


@pytest.mark.parametrize(("n", "freedom"), [(2, 1), (4, 2)])
def test_a_track_is_compared_to_the_vertex_of_the_others(toy, n, freedom):
    """χ², read back from weights that are nearly one, is that of two degrees of freedom; of one where the other
    track leaves the vertex free along itself.
    """
    made, _, _ = toy.decays(2_000, n, 4.0, 5)
    tracks = toy.seen(made, np.zeros((2_000, 3)), 6)
    found = fit(tracks, AdaptiveCuts(single_cut=6.0, max_steps=7))
    temperature = 1 + 255 * 0.25**6
    chi2 = 36.0 + 2 * temperature * np.log(1 / found.weight[::n] - 1)
    assert stats.kstest(chi2, stats.chi2(freedom).cdf).pvalue > 1e-4


def test_outliers_weigh_little_and_do_not_pull(toy):
    """One track of six comes from 1 mm beside the decay."""
    jets = 1_000
    made, point, axis = toy.decays(jets, 6, 4.0, 7)
    random = np.random.default_rng(8)
    across = np.cross(axis, random.normal(size=(jets, 3)))
    made.vertex[::6] += across / np.linalg.norm(across, axis=1, keepdims=True)
    made.momentum[::6] += random.normal(0, 0.3, (jets, 3))
    tracks = toy.seen(made.take(np.flatnonzero(np.hypot(*made.vertex[:, :2].T) < 25)), np.zeros((jets, 3)), 9)
    found = fit(tracks)
    robust = fit(tracks, AdaptiveCuts())
    is_outlier = np.concatenate([[True], np.diff(tracks.jet) > 0])
    assert np.mean(robust.weight[is_outlier] < 0.01) > 0.8  # some fly towards the vertex all the same
    assert np.mean(robust.weight[~is_outlier] > 0.9) > 0.9
    usual, adaptive = (
        np.median(np.abs(toy.pulls(vertices.position, point[vertices.jet], vertices.covariance)))
        for vertices in (found, robust)
    )
    assert adaptive == pytest.approx(0.6745, abs=0.08)
    assert usual > 1.5 * adaptive


def test_a_vertex_needs_two_significant_tracks():
    """Tracks 2 mm apart and parallel, with errors of 0.01 mm, make none at any cut used; both functions agree."""
    first = np.array([0.5, 2.0, 0.3, 1.2, 0.1])
    covariance = np.diag([1e-4, 1e-3, 1e-7, 1e-7, 1e-6])
    pair = np.stack([first, first + np.array([2.0, 0, 0, 0, 0])])
    tracks = Tracks(np.zeros(2, int), np.zeros(2, int), pair, np.stack([covariance] * 2), np.ones(2, bool))
    for function in (fit_single_adaptive, reconstruct_adaptive):
        found = fit(tracks, AdaptiveCuts(), function)
        assert len(found) == 0
        assert (found.weight == 0).all()
        assert found.momentum.shape == (0, 4)


def test_the_warm_up():
    """Where all weights vanish the temperature rises, and the tracks come back: two tracks 30 σ apart, from cold."""
    track = np.array([0.5, 2.0, 0.3, 1.2, 0.1])
    tracks, matrices = (
        np.stack([track, track + np.array([0.3, 0, 0, 0, 0])]),
        np.stack([np.diag([1e-4, 1e-3, 1e-7, 1e-7, 1e-6])] * 2),
    )
    buffers = (np.empty((3, 3)), np.empty(2), np.empty((2, 10)), np.empty((2, 5)))
    weights = []
    for steps in range(1, 8):
        annealing = Annealing(1.5, 0.25, 1.02, 1e-12, steps, 1000.0, (1e-6, 1e-6, 1e-6))
        position = np.array([-0.65 * np.sin(0.3), 0.65 * np.cos(0.3), 2.0])
        fit_adaptive(tracks, matrices, FIELD, np.arange(2), 2, 1.0, annealing, position, *buffers)
        weights.append(buffers[1][0])
    assert weights[0] < 1e-10
    assert weights[0] < weights[1]
    assert max(weights) > 1e-6
