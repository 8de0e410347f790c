"""The fitted primary vertex, against where toy events truly are."""

import numpy as np
import pytest

from bevatron.prepare.jets.jet_options import BeamSpot
from bevatron.prepare.tracking.detector import sample_collision_points
from bevatron.prepare.vertexing.primary_vertex import fit_primary_vertices

BEAM = BeamSpot()
EVENTS = 2_000


@pytest.fixture(scope="module")
def events(toy):
    """Prompt tracks of events: where these are, the tracks, the fit."""
    places = sample_collision_points(EVENTS, BEAM, np.random.default_rng(1))
    tracks = toy.seen(toy.prompt_event(EVENTS, 15, 2), places, 3)
    return places, tracks, fit_primary_vertices(tracks, EVENTS, BEAM, 2.0)


def test_pulls_are_unit(toy, events):
    """3 %: a track's weight falls a little when it is far by chance, which the covariance knows only in part."""
    places, _, found = events
    pulls = toy.pulls(found.position, places, found.covariance)
    np.testing.assert_allclose(pulls.mean(axis=0), 0.0, atol=5 / np.sqrt(EVENTS))
    np.testing.assert_allclose(pulls.std(axis=0), 1.0, atol=5 / np.sqrt(2 * EVENTS) + 0.03)


def test_tracks_beat_the_beam_spot_and_each_other(events):
    _, _, found = events
    sigma = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
    assert (sigma[:, :2] < BEAM.sigma_x).all()
    assert np.median(sigma[:, 2]) < 0.1


def test_significances_of_prompt_tracks_are_unit_normal(events):
    """To the vertex fitted without them; the covariance is that of track and vertex together."""
    _, tracks, found = events
    total = tracks.covariance[:, :2, :2] + found.added
    for k in range(2):
        significance = found.impact[:, k] / np.sqrt(total[:, k, k])
        assert significance.mean() == pytest.approx(0.0, abs=5 / np.sqrt(len(tracks)))
        assert significance.std() == pytest.approx(1.0, abs=5 / np.sqrt(2 * len(tracks)) + 0.02)


def test_chi2_is_about_its_degrees_of_freedom(events):
    _, _, found = events
    assert (found.chi2 / found.ndf).mean() == pytest.approx(1.0, abs=0.1)


def test_decays_do_not_pull_the_vertex(toy):
    """Four tracks from 3 mm away in every event widen the pulls by 15 % at most: some of them point back to it."""
    places = sample_collision_points(EVENTS, BEAM, np.random.default_rng(4))
    prompt, (decays, _, _) = toy.prompt_event(EVENTS, 15, 5), toy.decays(EVENTS, 4, 3.0, 6)
    columns = ("jet", "event", "momentum", "vertex", "charge")
    both = type(prompt)(*(np.concatenate([getattr(decays, c), getattr(prompt, c)]) for c in columns))
    tracks = toy.seen(both, places, 7)
    found = fit_primary_vertices(tracks, EVENTS, BEAM, 2.0)
    pulls = toy.pulls(found.position, places, found.covariance)
    assert np.median(np.abs(pulls), axis=0) / 0.6745 == pytest.approx([1.0] * 3, abs=0.15)
    displaced = tracks.jet >= 0
    assert found.weight[~displaced].mean() > 0.85
    assert found.weight[displaced].mean() < 0.5


def test_an_events_only_track_is_measured_from_the_beam_spot(toy):
    """Without it nothing is known of the vertex, so its z0 says nothing, and its d0 has the beam's width in it."""
    places = sample_collision_points(3, BEAM, np.random.default_rng(8))
    made = toy.particles([0, 2, 2], toy.momenta(np.full(3, 5.0), np.zeros(3), np.zeros(3)), np.zeros((3, 3)))
    found = fit_primary_vertices(toy.seen(made, places, 9), 3, BEAM, 2.0)
    np.testing.assert_allclose(np.sqrt(found.added[0, [0, 1], [0, 1]]), [BEAM.sigma_y, BEAM.sigma_z], rtol=1e-6)
    np.testing.assert_allclose(found.position[1], 0.0, atol=1e-12)  # the event without tracks
    np.testing.assert_allclose(np.diag(found.covariance[1]), np.array([0.015, 0.015, 56.0]) ** 2)
    assert found.position[2, 2] == pytest.approx(places[2, 2], abs=1.0)


def test_of_two_collisions_the_one_it_starts_from_is_fitted(toy):
    """Eight tracks of one and twelve of another 4 mm away in each event; the median alone would find the second."""
    n, apart = 300, 4.0
    places = sample_collision_points(n, BEAM, np.random.default_rng(10))
    other = places + np.array([0.0, 0.0, apart])
    few, many = toy.seen(toy.prompt_event(n, 8, 11), places, 12), toy.seen(toy.prompt_event(n, 12, 13), other, 14)
    columns = ("jet", "event", "parameters", "covariance", "prompt")
    tracks = type(few)(*(np.concatenate([getattr(few, c), getattr(many, c)]) for c in columns))
    for start in (places, other):
        found = fit_primary_vertices(tracks, n, BEAM, 2.0, start[:, 2])
        assert np.mean(np.abs(found.position[:, 2] - start[:, 2]) < 0.5) > 0.97
    of_median = fit_primary_vertices(tracks, n, BEAM, 2.0)
    assert np.mean(np.abs(of_median.position[:, 2] - other[:, 2]) < 0.5) > 0.7
