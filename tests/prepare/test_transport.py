"""Tracks seen from another point, against the helix itself and against differences."""

import numpy as np

from bevatron.prepare.tracking.helix import perigee
from bevatron.prepare.tracking.transport import chi_squared, fill_constraint, fill_jacobian, invert, propagate

FIELD = 2.0


def random_track(random):
    pt, eta, phi = random.uniform(0.5, 20), random.uniform(-2.5, 2.5), random.uniform(-3, 3)
    momentum = np.array([[pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)]])
    charge, vertex = random.choice([-1.0, 1.0], 1), random.normal(0, 8, (1, 3))
    return momentum, vertex, charge


def test_a_track_from_a_point_is_the_helix_in_shifted_coordinates():
    random = np.random.default_rng(1)
    for _ in range(50):
        momentum, vertex, charge = random_track(random)
        track = perigee(momentum, vertex, charge, FIELD).parameters[0]
        point = random.normal(0, 20, 3)
        expected = perigee(momentum, vertex - point, charge, FIELD)
        d, away, phi, _ = propagate(track, FIELD, *point)
        np.testing.assert_allclose([d, away], [expected.d0[0], expected.z0[0]], atol=1e-9)
        np.testing.assert_allclose(np.cos(phi - expected.phi[0]), 1.0, atol=1e-12)


def test_the_covariance_moves_by_the_derivatives_of_the_exact_helix():
    random, steps = np.random.default_rng(2), np.array([1e-4, 1e-4, 1e-6, 1e-6, 1e-6])
    for field in (FIELD, 1e-9):
        for _ in range(50):
            momentum, vertex, charge = random_track(random)
            track = perigee(momentum, vertex, charge, field).parameters[0]
            point, jacobian = random.normal(0, 15, 3), np.zeros((2, 5))
            d, _, _, path = propagate(track, field, *point)
            fill_jacobian(track, field, d, path, jacobian)
            for k, step in enumerate(steps):
                ends = [propagate(track + sign * step * np.eye(5)[k], field, *point)[:2] for sign in (1, -1)]
                np.testing.assert_allclose(jacobian[:, k], np.subtract(*ends) / (2 * step), rtol=1e-5, atol=1e-6)


def test_residuals_move_with_the_point():
    random = np.random.default_rng(3)
    for _ in range(50):
        momentum, vertex, charge = random_track(random)
        track = perigee(momentum, vertex, charge, FIELD).parameters[0]
        point, found, work = random.normal(0, 15, 3), np.zeros(10), np.zeros((2, 5))
        matrix = np.diag([1e-4, 1e-2, 1e-6, 1e-6, 1e-6])
        fill_constraint(track, matrix, FIELD, *point, work, found)
        d, away, _, path = propagate(track, FIELD, *point)
        slopes = np.array([[found[2], found[3], 0.0], [found[4], found[5], -1.0]])
        for axis in range(3):
            moved = point + 1e-4 * np.eye(3)[axis]
            change = np.subtract(propagate(track, FIELD, *moved)[:2], (d, away)) / 1e-4
            np.testing.assert_allclose(change, slopes[:, axis], atol=1e-4)
        fill_jacobian(track, FIELD, d, path, work)
        residual = np.array([d, away])
        expected = residual @ np.linalg.inv(work @ matrix @ work.T) @ residual
        np.testing.assert_allclose(chi_squared(found, 0.0, 0.0, 0.0), expected, rtol=1e-9)


def test_inverse_of_a_symmetric_matrix():
    a = np.random.default_rng(4).normal(size=(3, 3))
    matrix, found = a @ a.T + np.eye(3), np.empty((3, 3))
    invert(matrix, found)
    np.testing.assert_allclose(found @ matrix, np.eye(3), atol=1e-12)
