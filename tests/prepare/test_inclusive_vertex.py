"""The inclusive secondary vertex of toy decays whose truth is known, and both finders' rates on jets of collisions."""

from dataclasses import fields

import numpy as np
import pytest
from scipy import stats

from bevatron.prepare.jets.inclusive_features import FEATURES, MISSING, inclusive_features
from bevatron.prepare.jets.vertex_finder_options import InclusiveVertexCuts
from bevatron.prepare.vertexing.inclusive_vertex import InclusiveVertices, find_inclusive_vertices
from bevatron.prepare.vertexing.secondary_vertices import NONE

FIELD = 2.0
PION, PROTON, KAON, LAMBDA = 0.13957, 0.93827, 0.49761, 1.11568
CERTAIN = np.diag([1e-6, 1e-6, 1e-6])  # mm²: the toys' primary vertex, at the origin


def found_in(tracks, axis, jets, primary=None, **cuts):
    impact = tracks.parameters[:, :2]
    chi2 = np.einsum("ni,nij,nj->n", impact, np.linalg.inv(tracks.covariance[:, :2, :2]), impact)
    primary = np.zeros((jets, 3)) if primary is None else primary
    covariance = np.repeat(CERTAIN[None], jets, axis=0)
    return find_inclusive_vertices(tracks, jets, chi2, primary, covariance, axis, FIELD, InclusiveVertexCuts(**cuts))


def angles(axis):
    return np.arcsinh(axis[:, 2] / np.hypot(axis[:, 0], axis[:, 1])), np.arctan2(axis[:, 1], axis[:, 0])


@pytest.fixture(scope="module")
def decays(toy):
    jets = 2_000
    made, point, axis = toy.decays(jets, 5, 4.0, 1)
    tracks = toy.seen(made, np.zeros((jets, 3)), 2)
    return tracks, point, axis, found_in(tracks, axis, jets, mass_max=100.0)


def test_decays_are_found_once(decays):
    tracks, point, _, found = decays
    assert (np.diff(found.jet) > 0).all()
    assert len(found) > 0.85 * len(point)
    assert found.n_tracks.min() >= 2
    used = found.vertex != NONE
    np.testing.assert_array_equal(found.jet[found.vertex[used]], tracks.jet[used])
    np.testing.assert_array_equal(np.bincount(found.vertex[used], minlength=len(found)), found.n_tracks)
    np.testing.assert_array_equal(found.ndf, 2 * found.n_tracks - 3)
    assert (found.n_pairs <= found.n_tracks.max() * 2).all()


def test_pulls_are_unit_and_chi2_is_distributed_as_such(toy, decays):
    """Of vertices with all five tracks. Two-track χ² and that of the vertex are cut at 3 % and 0.1 %."""
    _, point, _, found = decays
    whole = found.n_tracks == 5
    assert whole.sum() > 700
    pulls = toy.pulls(found.position[whole], point[found.jet[whole]], found.covariance[whole])
    np.testing.assert_allclose(pulls.mean(axis=0), 0.0, atol=5 / np.sqrt(whole.sum()))
    np.testing.assert_allclose(pulls.std(axis=0), 1.0, atol=5 / np.sqrt(2 * whole.sum()) + 0.02)
    assert stats.kstest(found.chi2[whole], "chi2", args=(7,)).statistic < 0.08
    pull = (found.length[whole] - np.linalg.norm(point, axis=1)[found.jet[whole]]) * (
        found.significance / found.length
    )[whole]
    assert np.median(np.abs(pull)) / 0.6745 == pytest.approx(1.0, abs=0.1)


def test_all_vertices_are_good(toy):
    """Below the mass cut, with a probable χ² and in front; heavier sets of tracks lose some."""
    jets = 2_000
    made, _, axis = toy.decays(jets, 6, 4.0, 7)
    tracks = toy.seen(made, np.zeros((jets, 3)), 8)
    found, open_cut = found_in(tracks, axis, jets), found_in(tracks, axis, jets, mass_max=100.0)
    assert len(found) > 0.8 * jets
    assert found.mass.max() < 6.0
    assert open_cut.mass.max() > 6.0
    assert (stats.chi2.sf(found.chi2, found.ndf) > 0.001).all()
    assert ((found.flight * axis[found.jet]).sum(axis=1) > 0).all()
    assert len(found_in(tracks, -axis, jets)) < 0.02 * len(found)


def test_a_far_track_is_removed(toy, decays):
    """One track of each jet is moved by 0.4 mm: it is the one that the vertex lacks."""
    tracks, point, axis, _ = decays
    jets = len(point)
    moved = tracks.take(np.arange(len(tracks)))
    moved.parameters[::5, 0] += 0.4
    found = found_in(moved, axis, jets, mass_max=100.0)
    index = found.vertex.reshape(jets, 5)
    many = np.bincount(found.jet, found.n_tracks, minlength=jets) >= 4
    assert many.sum() > 300
    assert (index[many, 0] == NONE).mean() > 0.9


@pytest.mark.parametrize(("masses", "mother"), [((PION, PION), KAON), ((PROTON, PION), LAMBDA)])
def test_v0_are_left_out(toy, masses, mother):
    jets = 500
    made, _, axis = toy.two_bodies(jets, masses, mother, 3)
    tracks = toy.seen(made, np.zeros((jets, 3)), 4)
    kept = found_in(tracks, axis, jets, reject_v0=False)
    assert len(kept) > 0.3 * jets
    assert len(found_in(tracks, axis, jets)) < 0.15 * len(kept)


def test_a_v0_takes_its_tracks_out_of_a_vertex_if_it_is_far(toy):
    """A kaon and a decay of three tracks at 3 mm in one jet."""
    jets = 500
    kaons, _, axis = toy.two_bodies(jets, (PION, PION), KAON, 3, flight=15.0)
    random = np.random.default_rng(5)
    eta, phi = angles(axis)
    jet = np.repeat(np.arange(jets), 3)
    spread = random.normal(0, 0.15, (2, len(jet)))
    momentum = toy.momenta(random.uniform(2, 8, len(jet)), eta[jet] + spread[0], phi[jet] + spread[1])
    columns = ("jet", "momentum", "vertex", "charge")
    decay = toy.particles(jet, momentum, 3.0 * axis[jet])
    both = toy.particles(*(np.concatenate([getattr(kaons, c), getattr(decay, c)]) for c in columns))
    order = np.argsort(both.jet, kind="stable")
    tracks = toy.seen(both.take(order), np.zeros((jets, 3)), 4)
    of_kaon = order < 2 * jets

    def fraction_used(**cuts):
        return (found_in(tracks, axis, jets, **cuts).vertex != NONE)[of_kaon].mean()

    assert fraction_used(v0_significance_min=0.0) < fraction_used() < fraction_used(reject_v0=False)


def test_tracks_of_other_collisions_are_left_out(toy):
    """Near across the beam, far along it: with the cut on, they make no vertex with one another."""
    jets = 300
    made, _, axis = toy.decays(jets, 4, 1e-9, 30)
    away = toy.particles(made.jet, made.momentum, made.vertex + np.array([0.0, 0.0, 3.0]), made.charge)
    tracks = toy.seen(away, np.zeros((jets, 3)), 31)
    used = (found_in(tracks, axis, jets).vertex != NONE).mean()
    without = (found_in(tracks, axis, jets, pileup_d0_significance=0.0).vertex != NONE).mean()
    assert used < 0.02
    assert without > 0.3  # half of the jets fly forward


def test_prompt_jets_have_few(toy):
    jets = 2_000
    made, _, axis = toy.decays(jets, 6, 1e-9, 12)
    assert len(found_in(toy.seen(made, np.zeros((jets, 3)), 13), axis, jets)) < 0.01 * jets


def test_few_tracks_and_none(toy):
    made, _, axis = toy.decays(4, 3, 4.0, 14)
    some = made.take(np.array([3, 6, 7, 9, 10, 11]))  # 0, 1, 2 and 3 tracks
    found = found_in(toy.seen(some, np.zeros((4, 3)), 15), axis, 4)
    assert set(found.jet.tolist()) <= {2, 3}
    none = found_in(toy.seen(made.take(np.arange(0)), np.zeros((4, 3)), 16), axis, 4)
    assert len(none) == 0
    assert none.momentum.shape == (0, 4)
    np.testing.assert_array_equal(inclusive_features(none, *angles(axis), np.zeros(4)), MISSING)
    nothing = found_in(toy.seen(made.take(np.arange(0)), np.zeros((0, 3)), 17), np.zeros((0, 3)), 0)
    assert inclusive_features(nothing, np.zeros(0), np.zeros(0), np.zeros(0)).shape == (0, len(FEATURES))


def test_all_stays_finite(toy):
    """Parallel tracks, a primary vertex far away, a χ² that is unknown."""
    jets = 200
    random = np.random.default_rng(20)
    eta, phi = random.uniform(-2, 2, jets), random.uniform(-np.pi, np.pi, jets)
    axis = toy.momenta(np.ones(jets), eta, phi)
    jet = np.repeat(np.arange(jets), 3)
    along = toy.particles(jet, 8.0 * axis[jet], random.normal(0, 0.3, (len(jet), 3)))
    made, _, other = toy.decays(jets, 5, 4.0, 22)
    for particles, direction, place in (
        (along, axis, [0.0, 0.0, 0.0]),
        (made, other, [0.0, 0.0, 300.0]),
        (made, other, [80.0, -60.0, 5.0]),
    ):
        tracks = toy.seen(particles, np.zeros((jets, 3)), 21)
        found = found_in(tracks, direction, jets, primary=np.tile(place, (jets, 1)), mass_max=100.0)
        assert all(np.isfinite(getattr(found, field.name)).all() for field in fields(found))
    chi2 = np.full(len(tracks), np.nan)
    covariance = np.repeat(CERTAIN[None], jets, axis=0)
    options = InclusiveVertexCuts()
    assert len(find_inclusive_vertices(tracks, jets, chi2, np.zeros((jets, 3)), covariance, other, FIELD, options)) == 0


def test_the_order_of_tracks_and_chunks_do_not_matter(decays):
    tracks, point, axis, found = decays
    jets, cut = len(point), 700
    order = np.lexsort((np.random.default_rng(60).random(len(tracks)), tracks.jet))
    other = found_in(tracks.take(order), axis, jets, mass_max=100.0)
    np.testing.assert_array_equal(other.vertex, found.vertex[order])
    np.testing.assert_array_equal(other.position, found.position)
    first = found_in(tracks.take(np.flatnonzero(tracks.jet < cut)), axis[:cut], cut, mass_max=100.0)
    later = tracks.take(np.flatnonzero(tracks.jet >= cut))
    later.jet[:] -= cut
    second = found_in(later, axis[cut:], jets - cut, mass_max=100.0)
    for name in ("position", "momentum", "covariance", "n_pairs"):
        joined = np.concatenate([getattr(first, name), getattr(second, name)])
        np.testing.assert_array_equal(joined, getattr(found, name))


def test_variables_by_hand():
    vertices = InclusiveVertices(
        jet=np.array([1]),
        position=np.array([[3.0, 4.0, 12.0]]),
        covariance=np.eye(3)[None],
        chi2=np.array([2.0]),
        ndf=np.array([3]),
        momentum=np.array([[3.0, 4.0, 0.0, 13.0]]),
        flight=np.array([[3.0, 4.0, 12.0]]),
        significance=np.array([9.0]),
        n_tracks=np.array([3]),
        n_pairs=np.array([2]),
        vertex=np.array([0, 0, 0]),
    )
    eta, phi = np.array([0.0, np.arcsinh(12 / 5) - 0.3]), np.array([0.0, np.arctan2(4, 3) + 0.4])
    found = inclusive_features(vertices, eta, phi, np.array([1.0, 26.0]))
    np.testing.assert_array_equal(found[0], MISSING)
    np.testing.assert_allclose(found[1], [12.0, 0.5, 2, 3, 5.0, 13.0, 9.0, 0.5])
    assert len({feature.name for feature in FEATURES}) == len(FEATURES) == found.shape[1]
