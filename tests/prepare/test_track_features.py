"""Signs and order of a jet's tracks, by hand."""

import numpy as np

from bevatron.prepare.jets.track_features import order_by_displacement, sign_tracks
from bevatron.prepare.tracking.covariance import covariance
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.tracking.helix import perigee


def tracks_of(parameters, jet):
    parameters = np.asarray(parameters, float)
    jet = np.asarray(jet)
    return Tracks(jet, jet, parameters, covariance(parameters), np.ones(len(jet), bool))


def decayed(side, angle, rise):
    """A stiff particle made 2 mm from the collision on the given side of a jet along phi = 1, eta = 0.5, which flies
    off at `angle` in azimuth and `rise` in eta to the jet."""
    axis = np.array([np.cos(1.0), np.sin(1.0), np.sinh(0.5)])
    phi, eta = 1.0 + angle, 0.5 + rise
    momentum = 1e4 * np.array([np.cos(phi), np.sin(phi), np.sinh(eta)])
    return perigee(momentum[None], side * 2.0 * axis[None], np.ones(1), 2.0).parameters[0]


def test_what_decays_in_front_is_positive_and_behind_negative():
    rows = [decayed(side, angle, rise) for side in (1, -1) for angle in (0.2, -0.2) for rise in (0.2, -0.2)]
    found = sign_tracks(tracks_of(rows, np.zeros(8, int)), np.array([0.5]), np.array([1.0]))
    assert (found.parameters[:4, :2] > 0).all()
    assert (found.parameters[4:, :2] < 0).all()
    np.testing.assert_allclose(found.parameters[:, 2], [0.2, 0.2, -0.2, -0.2] * 2, atol=1e-4)
    np.testing.assert_allclose(np.abs(found.parameters[:, 0]), 2 * np.sin(0.2), atol=1e-3)


def test_the_covariance_is_that_of_the_signed_parameters():
    """The χ² of a displacement does not care for signs."""
    random = np.random.default_rng(1)
    rows = np.stack([decayed(1, a, r) for a, r in random.normal(0, 0.3, (40, 2))])
    rows[:, :2] += random.normal(0, 0.1, (40, 2))
    plain = tracks_of(rows, np.zeros(40, int))
    found = sign_tracks(plain, np.array([0.5]), np.array([1.0]))
    flips = np.sign(found.parameters[:, :2] / rows[:, :2])
    assert (flips == -1).any(axis=0).all()
    step = random.normal(0, 1e-3, (40, 5))
    moved = step * np.concatenate([flips, np.ones((40, 3))], axis=1)
    before, after = (
        np.einsum("ni,nij,nj->n", s, np.linalg.inv(c), s)
        for s, c in ((step, plain.covariance), (moved, found.covariance))
    )
    np.testing.assert_allclose(after, before, rtol=1e-6)


def test_significances_are_values_over_errors():
    found = sign_tracks(tracks_of([decayed(1, 0.2, 0.1)], [0]), np.array([0.5]), np.array([1.0]))
    np.testing.assert_allclose(found.d0_significance, found.parameters[:, 0] / np.sqrt(found.covariance[:, 0, 0]))
    np.testing.assert_allclose(found.z0_significance, found.parameters[:, 1] / np.sqrt(found.covariance[:, 1, 1]))


def test_order_is_by_jet_and_displacement():
    random = np.random.default_rng(2)
    jet = np.repeat([0, 2, 3], [5, 1, 30])
    significance = random.normal(size=36)
    order = order_by_displacement(significance, jet)
    assert (np.diff(jet[order]) >= 0).all()
    for number in (0, 2, 3):
        found = np.abs(significance[order][jet[order] == number])
        np.testing.assert_array_equal(found, np.sort(np.abs(significance[jet == number]))[::-1])
