"""Secondary vertices of toy decays: found where they are, as precisely as claimed, with the right mass."""

import numpy as np
import pytest

from bevatron.prepare.jets.jet_options import VertexCuts
from bevatron.prepare.vertexing.secondary_vertices import NONE, find_secondary_vertices

FIELD = 2.0
PION, PROTON = 0.13957, 0.93827
CERTAIN = np.diag([1e-6, 1e-6, 1e-6])  # mm²: the toys' primary vertex, at the origin


def found_in(tracks, axis, jets, **cuts):
    matrices = tracks.covariance[:, :2, :2]
    impact = tracks.parameters[:, :2]
    chi2 = np.einsum("ni,nij,nj->n", impact, np.linalg.inv(matrices), impact)
    primary, covariance = np.zeros((jets, 3)), np.repeat(CERTAIN[None], jets, axis=0)
    return find_secondary_vertices(tracks, jets, chi2, primary, covariance, axis, FIELD, VertexCuts(**cuts))


@pytest.fixture(scope="module")
def decays(toy):
    jets = 2_000
    made, point, axis = toy.decays(jets, 5, 4.0, 1)
    tracks = toy.seen(made, np.zeros((jets, 3)), 2)
    return tracks, point, axis, found_in(tracks, axis, jets, mass_max=100.0)


def test_decays_of_five_tracks_are_found(decays):
    tracks, _, _, found = decays
    assert len(np.unique(found.jet)) > 0.93 * 2_000
    assert np.mean(found.vertex != NONE) > 0.85
    assert (found.weight[found.vertex != NONE] > 0.5).all()
    assert (found.weight[found.vertex == NONE] == 0.0).all()
    np.testing.assert_array_equal(found.jet[found.vertex[found.vertex != NONE]], tracks.jet[found.vertex != NONE])
    np.testing.assert_array_equal(np.bincount(found.vertex[found.vertex != NONE]), found.n_tracks)


def test_pulls_are_unit(toy, decays):
    """Of vertices with all five tracks; 5 %, as a track's weight falls a little when it is far by chance."""
    _, point, _, found = decays
    whole = found.n_tracks == 5
    assert whole.sum() > 1_000
    pulls = toy.pulls(found.position[whole], point[found.jet[whole]], found.covariance[whole])
    np.testing.assert_allclose(pulls.mean(axis=0), 0.0, atol=5 / np.sqrt(whole.sum()))
    np.testing.assert_allclose(pulls.std(axis=0), 1.0, atol=5 / np.sqrt(2 * whole.sum()) + 0.05)


def test_chi2_flight_and_its_significance(decays):
    _, point, _, found = decays
    whole = found.n_tracks == 5
    assert (found.chi2[whole] / found.ndf[whole]).mean() == pytest.approx(0.9, abs=0.2)
    np.testing.assert_allclose(found.flight, found.position)
    truth = np.linalg.norm(point[found.jet[whole]], axis=1)
    error = found.length[whole] / found.significance[whole]
    pull = (found.length[whole] - truth) / error
    assert np.median(np.abs(pull)) / 0.6745 == pytest.approx(1.0, abs=0.1)
    direction = found.flight / found.length[:, None]
    expected = np.sqrt(np.einsum("ni,nij,nj->n", direction, found.covariance + CERTAIN, direction))
    np.testing.assert_allclose(found.length / found.significance, expected)


def test_vertices_lie_in_front(decays):
    """Decays behind the collision, seen from the jet, are not kept."""
    tracks, _, axis, found = decays
    assert ((found.flight * axis[found.jet]).sum(axis=1) > 0).all()
    assert len(found_in(tracks, -axis, 2_000)) < 0.02 * len(found)


def test_the_mass_of_a_kaon(toy):
    """K0_S → π+ π-: the window's middle and the detector's width; and with the rejection on, none is left."""
    n = 1_000
    made, _, axis = toy.two_bodies(n, (PION, PION), 0.49761, 3)
    tracks = toy.seen(made, np.zeros((n, 3)), 4)
    found = found_in(tracks, axis, n, reject_v0=False)
    assert len(found) > 0.8 * n  # some pions fly along with the kaon and point back to the collision
    assert np.median(found.mass) == pytest.approx(0.4976, abs=0.001)
    assert np.quantile(np.abs(found.mass - 0.49761), 0.68) < 0.012
    assert len(found_in(tracks, axis, n)) < 0.15 * n


def test_a_lambda_is_rejected_too(toy):
    n = 500
    made, _, axis = toy.two_bodies(n, (PROTON, PION), 1.11568, 5)
    tracks = toy.seen(made, np.zeros((n, 3)), 6)
    assert len(found_in(tracks, axis, n)) < 0.3 * len(found_in(tracks, axis, n, reject_v0=False))


def test_momentum_is_that_of_the_mother(toy):
    n = 500
    made, _, axis = toy.two_bodies(n, (PION, PION), 1.9, 7, flight=3.0)
    found = found_in(toy.seen(made, np.zeros((n, 3)), 8), axis, n)
    both = found.n_tracks == 2
    total = made.momentum.reshape(n, 2, 3).sum(axis=1)[found.jet[both]]
    np.testing.assert_allclose(np.median(found.momentum[both, :3] / total, axis=0), 1.0, atol=0.01)
    assert np.median(found.mass[both]) == pytest.approx(1.9, abs=0.02)


def test_two_decays_of_one_jet_are_told_apart(toy):
    n = 500
    near, point, axis = toy.decays(n, 3, 3.0, 9)
    columns = ("momentum", "vertex", "charge")
    far = toy.particles(near.jet, near.momentum, near.vertex + 8 * axis[near.jet], near.charge)
    random = np.random.default_rng(10)
    far.momentum[:] += random.normal(0, 0.4, far.momentum.shape)
    both = toy.particles(
        np.concatenate([near.jet, far.jet]), *(np.concatenate([getattr(near, c), getattr(far, c)]) for c in columns)
    )
    both = both.take(np.argsort(both.jet, kind="stable"))
    found = found_in(toy.seen(both, np.zeros((n, 3)), 11), axis, n)
    count = np.bincount(found.jet, minlength=n)
    assert np.mean(count == 2) > 0.7
    assert count.max() <= 3
    first = np.flatnonzero(np.diff(found.jet, prepend=-1) & (count[found.jet] == 2))
    lengths = np.sort(np.stack([found.length[first], found.length[first + 1]], axis=1), axis=1)
    truth = np.linalg.norm(point, axis=1)[found.jet[first]]
    np.testing.assert_allclose(np.median(lengths - truth[:, None], axis=0), [0.0, 8.0], atol=0.2)


def test_prompt_jets_have_few(toy):
    n = 2_000
    made, _, axis = toy.decays(n, 6, 1e-9, 12)
    found = found_in(toy.seen(made, np.zeros((n, 3)), 13), axis, n)
    assert len(found) < 0.1 * n
    assert len(found_in(toy.seen(made, np.zeros((n, 3)), 13), axis, n, flight_significance_min=4.0)) < 0.005 * n


def test_jets_without_tracks(toy):
    made, _, axis = toy.decays(3, 4, 4.0, 14)
    made = made.take(np.flatnonzero(made.jet == 1))
    found = found_in(toy.seen(made, np.zeros((3, 3)), 15), axis, 3)
    assert set(found.jet.tolist()) <= {1}
    none = found_in(toy.seen(made.take(np.arange(0)), np.zeros((3, 3)), 16), axis, 3)
    assert len(none) == 0
    assert none.momentum.shape == (0, 4)
