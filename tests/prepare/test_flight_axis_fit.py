"""The fit of a decay chain along the flight axis, against an independent one, and its pulls and χ²."""

import numpy as np
import pytest
from flight_axis_toys import AXIS_ERRORS, CERTAIN, FIELD, chains_of
from scipy import optimize, stats

from bevatron.prepare.tracking.helix import perigee
from bevatron.prepare.vertexing.flight_axis_fit import CLOSE, ChainPrior, distance_covariance, fit_chain, make_buffers
from bevatron.prepare.vertexing.probability import chi2_probability


def fitted(tracks, rows, vertex_of, prior, start):
    """χ², parameters, covariance of all of them, and the buffers."""
    m = len(start)
    parameters, buffers = np.array([*prior.vertex, prior.phi, prior.theta, *start]), make_buffers(len(rows))
    chi2 = fit_chain(
        tracks.parameters, tracks.covariance, FIELD, rows, len(rows), vertex_of, m, prior, parameters, buffers, CLOSE
    )
    full = np.empty((5 + m, 5 + m))
    full[:5, :5] = buffers.covariance
    for i in range(m):
        full[:5, 5 + i] = full[5 + i, :5] = -buffers.covariance @ buffers.coupling[i]
        for j in range(m):
            full[5 + i, 5 + j] = distance_covariance(buffers, i, j)
    return chi2, parameters, full


def distances_to(track, point):
    """(d, δz) of a track (5,) to a point, by the simulation's helices."""
    d0, z0, phi, theta, q_over_p = track
    p = 1 / abs(q_over_p)
    momentum = p * np.array([[np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]])
    place = np.array([[-d0 * np.sin(phi), d0 * np.cos(phi), z0]]) - point
    found = perigee(momentum, place, np.sign([q_over_p]), FIELD)
    return np.array([found.d0[0], found.z0[0]])


def points_of(parameters, vertex_of):
    primary, phi, theta, distances = parameters[:3], parameters[3], parameters[4], parameters[5:]
    u = np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
    return [primary + (distances[v] * u if v >= 0 else 0.0) for v in vertex_of]


@pytest.mark.parametrize("assignment", [[0], [0, 1], [0, 0, 1], [-1, 0, 0, 1, 2], [-1, -1, 0], [0, 0, 0, 0, 1, 1]])
def test_the_fit_is_that_of_scipy(toy, assignment):
    """The same least squares by scipy's trust region, with the helices of the simulation, numerical derivatives, and
    the tracks' weights at the solution."""
    vertex_of = np.array(assignment)
    where = np.array([0.0, 3.0, 8.0, 14.0])[vertex_of + 1]
    tracks, flight, _, _ = chains_of(toy, 1, where, 17 + len(where))
    axis = flight[0] + np.array([0.03, -0.04, 0.02])
    theta = np.arctan2(np.hypot(*axis[:2]), axis[2])
    prior = ChainPrior(
        np.array([0.004, -0.007, 0.01]),
        np.linalg.inv(CERTAIN),
        np.arctan2(axis[1], axis[0]),
        theta,
        1 / 0.07**2,
        1 / 0.065**2,
    )
    m = vertex_of.max() + 1
    start = np.array([3.5, 7.0, 15.0])[:m]
    chi2, solution, covariance = fitted(tracks, np.arange(len(where)), vertex_of, prior, start)

    roots = []
    for track, matrix, point in zip(tracks.parameters, tracks.covariance, points_of(solution, vertex_of), strict=True):
        steps = np.diag(1e-3 * np.sqrt(np.diag(matrix)))
        jacobian = np.stack(
            [(distances_to(track + h, point) - distances_to(track - h, point)) / (2 * h.sum()) for h in steps], axis=1
        )
        roots.append(np.linalg.cholesky(np.linalg.inv(jacobian @ matrix @ jacobian.T)).T)

    def residuals(parameters):
        parts = [np.linalg.cholesky(prior.vertex_weight).T @ (parameters[:3] - prior.vertex)]
        parts.append(np.sqrt([prior.phi_weight, prior.theta_weight]) * (parameters[3:5] - [prior.phi, prior.theta]))
        for track, root, point in zip(tracks.parameters, roots, points_of(parameters, vertex_of), strict=True):
            parts.append(root @ distances_to(track, point))
        return np.concatenate(parts)

    scale = np.sqrt(np.diag(covariance))
    other = optimize.least_squares(
        residuals, np.array([*prior.vertex, prior.phi, prior.theta, *start]), x_scale=scale, xtol=1e-12, ftol=1e-12
    )
    assert chi2 == pytest.approx(2 * other.cost, rel=1e-5, abs=1e-6)
    np.testing.assert_allclose((solution - other.x) / scale, 0.0, atol=3e-3)
    expected = np.linalg.inv(other.jac.T @ other.jac)
    np.testing.assert_allclose(covariance / np.outer(scale, scale), expected / np.outer(scale, scale), atol=5e-3)


def test_pulls_are_unit_and_chi2_is_distributed_as_such(toy):
    """Two vertices and a track at the primary vertex, with the right assignment; all eleven degrees of freedom."""
    toys = 1_500
    vertex_of = np.array([-1, 0, 0, 1, 1, 1])
    tracks, _, phi, theta = chains_of(toy, toys, np.array([0.0, 3.0, 10.0])[vertex_of + 1], 5)
    random = np.random.default_rng(6)
    pulls, chi2 = np.empty((toys, 7)), np.empty(toys)
    for jet in range(toys):
        sigma = AXIS_ERRORS[0], AXIS_ERRORS[1] * np.sin(theta[jet])
        seen = (phi[jet] + sigma[0] * random.normal(), theta[jet] + sigma[1] * random.normal())
        primary = np.sqrt(np.diag(CERTAIN)) * random.normal(size=3)
        prior = ChainPrior(primary, np.linalg.inv(CERTAIN), *seen, 1 / sigma[0] ** 2, 1 / sigma[1] ** 2)
        rows = np.arange(6 * jet, 6 * jet + 6)
        chi2[jet], found, covariance = fitted(tracks, rows, vertex_of, prior, np.array([2.0, 8.0]))
        truth = [0, 0, 0, phi[jet], theta[jet], 3.0, 10.0]
        pulls[jet] = (found - truth) / np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(pulls.mean(axis=0), 0.0, atol=4 / np.sqrt(toys))
    np.testing.assert_allclose(pulls.std(axis=0), 1.0, atol=4 / np.sqrt(2 * toys))
    for column in pulls.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    ndf = 2 * 6 - 2  # 17 measured, 7 fitted
    assert stats.kstest(chi2, "chi2", args=(ndf,)).pvalue > 1e-4


def test_merging_raises_chi2_by_one_degree_of_freedom(toy):
    """By which the compatibility of two vertices is judged: of tracks of one point, fitted as two vertices and as one,
    and of tracks of the primary vertex, fitted as one of its own."""
    toys = 800
    random = np.random.default_rng(71)
    for where, apart, together in (
        ([6.0, 6.0, 6.0, 6.0], [0, 0, 1, 1], [0, 0, 0, 0]),
        ([6.0, 6.0, 0.0, 0.0], [0, 0, 1, 1], [0, 0, -1, -1]),
    ):
        tracks, _, phi, theta = chains_of(toy, toys, where, 70)
        increase = np.empty(toys)
        for jet in range(toys):
            primary = np.sqrt(np.diag(CERTAIN)) * random.normal(size=3)
            prior = ChainPrior(primary, np.linalg.inv(CERTAIN), phi[jet], theta[jet], 1 / 0.07**2, 1 / 0.065**2)
            rows = np.arange(4 * jet, 4 * jet + 4)
            separate, _, _ = fitted(tracks, rows, np.array(apart), prior, np.array(where)[[0, 2]])
            merged, _, _ = fitted(tracks, rows, np.array(together), prior, np.array(where)[[0]])
            increase[jet] = merged - separate
        assert increase.min() > -1e-3
        assert stats.kstest(increase, "chi2", args=(1,)).pvalue > 1e-4


def test_probabilities_of_chi2():
    for ndf in (1, 2, 3, 4, 7, 12, 39):
        for chi2 in (0.0, 1e-9, 0.3, 1.0, 5.0, 40.0, 900.0):
            assert chi2_probability(chi2, ndf) == pytest.approx(stats.chi2.sf(chi2, ndf), rel=1e-9, abs=1e-300)
    for strange in (np.nan, np.inf, 1e5, -1.0):
        assert chi2_probability(strange, 3) == chi2_probability(strange, 6) == 0.0
    assert chi2_probability(5.0, 0) == 1.0
