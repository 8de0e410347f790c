"""Measured tracks: pulls, losses, fakes, and one collision point for an event."""

import numpy as np
import pytest

from bevatron.prepare.jets.jet_options import BeamSpot, Tracking
from bevatron.prepare.tracking.detector import sample_collision_points, trace_tracks
from bevatron.prepare.tracking.efficiency import efficiency
from bevatron.prepare.tracking.helix import perigee
from bevatron.prepare.tracking.particles import NO_JET, rows_within_reach

N = 30_000


def spread(toy, n=N, seed=1):
    """Particles of many momenta made within the beam pipe, n jets of one each."""
    random = np.random.default_rng(seed)
    pt, eta, phi = random.uniform(1.0, 60, n), random.uniform(-2.4, 2.4, n), random.uniform(-np.pi, np.pi, n)
    return toy.particles(np.arange(n), toy.momenta(pt, eta, phi), random.normal(0, [2, 2, 10], (n, 3)))


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_unit_pulls_of_all_five_parameters(toy, scale):
    made = spread(toy)
    tracks = toy.seen(made, np.zeros((N, 3)), 2, Tracking(resolution_scale=scale, fake_rate=0.0))
    assert len(tracks) == N
    truth = perigee(made.momentum, made.vertex, made.charge, 2.0).parameters
    away = tracks.parameters - truth
    away[:, 2] = np.remainder(away[:, 2] + np.pi, 2 * np.pi) - np.pi
    single = away / np.sqrt(np.diagonal(tracks.covariance, axis1=1, axis2=2))
    together = toy.pulls(away, 0 * away, tracks.covariance)
    for pull in (*single.T, *together.T):
        # widths: 5 statistical errors, and the covariance is that of the measured, not of the true momentum
        assert pull.mean() == pytest.approx(0.0, abs=5 / np.sqrt(N) + 0.005 * scale)
        assert pull.std() == pytest.approx(1.0, abs=5 / np.sqrt(2 * N) + 0.005 * scale)


def test_only_hard_central_and_early_particles_leave_tracks(toy):
    rows = [(5, 0, 0), (5, 2.4, 29), (0.9, 0, 0), (5, 2.6, 0), (5, 0, 31), (0.6, 0, 0), (0.4, 0, 0)]
    pt, eta, x = np.array(rows, float).T
    jet = np.array([0, 0, 0, 0, 0, NO_JET, NO_JET])
    vertex = np.stack([x, 0 * x, 0 * x], axis=1)
    made = toy.particles(jet, toy.momenta(pt, eta, 0 * pt), vertex, event=0 * jet)
    found = made.take(rows_within_reach(made, pt_min=1.0, eta_max=2.5, radius_max=30.0))
    np.testing.assert_allclose(found.pt, [5, 5, 0.6])


def test_tracks_are_lost_as_often_as_the_efficiency_says(toy):
    made = spread(toy)
    found = trace_tracks(made, np.zeros((N, 3)), Tracking(fake_rate=0.0), np.random.default_rng(3))[0]
    expected = efficiency(made.pt, made.eta)
    assert 0.7 < expected.min() < expected.max() < 0.92
    assert len(found) == pytest.approx(expected.sum(), abs=5 * np.sqrt((expected * (1 - expected)).sum()))


def test_fakes_come_at_the_rate_asked_for_and_belong_to_jets(toy):
    made = spread(toy)
    inside = np.arange(N) % 2 == 0
    made.jet[~inside] = NO_JET
    made = made.take(np.argsort(~inside, kind="stable"))
    tracks = toy.seen(made, np.zeros((N, 3)), 4, Tracking(fake_rate=0.0))
    many = trace_tracks(made, np.zeros((N, 3)), Tracking(fake_rate=0.2), np.random.default_rng(4))[0]
    none = trace_tracks(made, np.zeros((N, 3)), Tracking(fake_rate=0.0), np.random.default_rng(4))[0]
    fakes = len(many) - len(none)
    true = (none.jet != NO_JET).sum()
    assert fakes == pytest.approx(0.2 * true, abs=5 * np.sqrt(0.16 * true))
    assert (many.jet == NO_JET).sum() == (none.jet == NO_JET).sum()
    for found in (tracks, many):
        assert (np.diff(found.jet.astype(np.uint64).astype(float)) >= 0).all()  # jet by jet, then the others


def test_jets_of_an_event_share_their_collision(toy):
    beam = BeamSpot(sigma_x=0.1, sigma_y=0.2, sigma_z=30.0)
    points = sample_collision_points(20_000, beam, np.random.default_rng(5))
    np.testing.assert_allclose(points.std(axis=0), [0.1, 0.2, 30.0], rtol=0.03)
    made = toy.particles([0, 1, 2], toy.momenta(np.full(3, 1e4), np.zeros(3), np.zeros(3)), np.zeros((3, 3)))
    made.event[:] = [0, 0, 1]
    z0 = toy.seen(made, points[:2], 6).parameters[:, 1]
    np.testing.assert_allclose(z0, points[[0, 0, 1], 2], atol=0.6)  # five standard deviations of the track
