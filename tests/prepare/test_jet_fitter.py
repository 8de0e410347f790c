"""Decay chains along the flight axis: which vertices are found in toy chains whose truth is known."""

from dataclasses import fields

import numpy as np
import pytest
from flight_axis_toys import CERTAIN, FIELD, KAON, PION, chains_of

from bevatron.prepare.jets.jet_fitter_features import FEATURES, MISSING, jet_fitter_features
from bevatron.prepare.jets.vertex_finder_options import JetFitterCuts
from bevatron.prepare.vertexing.jet_fitter import DecayChains, fit_decay_chains
from bevatron.prepare.vertexing.secondary_vertices import NONE


def found_in(tracks, axis, jets, primary=None, **cuts):
    """Chains of toys whose primary vertex is at the origin."""
    matrices = tracks.covariance[:, :2, :2] + CERTAIN[0, 0] * np.eye(2)
    impact = tracks.parameters[:, :2]
    chi2 = np.einsum("ni,nij,nj->n", impact, np.linalg.inv(matrices), impact)
    primary = np.zeros((jets, 3)) if primary is None else primary
    covariance = np.repeat(CERTAIN[None], jets, axis=0)
    return fit_decay_chains(tracks, jets, chi2, primary, covariance, axis, FIELD, JetFitterCuts(**cuts))


@pytest.fixture(scope="module")
def decays(toy):
    jets = 2_000
    made, point, axis = toy.decays(jets, 5, 4.0, 1)
    tracks = toy.seen(made, np.zeros((jets, 3)), 2)
    return tracks, point, axis, found_in(tracks, axis, jets)


def test_tracks_of_one_point_are_one_vertex(decays):
    """Each merge is refused by chance in 0.5 % of cases, a vertex removed in 0.1 %."""
    tracks, point, _, found = decays
    jets = len(point)
    count = np.bincount(found.jet, minlength=jets)
    assert (count > 0).mean() > 0.93
    assert (count[count > 0] == 1).mean() > 0.97
    both = found.n_tracks > 1
    assert both.mean() > 0.93
    pull = (found.distance - np.linalg.norm(point, axis=1)[found.jet]) / found.distance_error
    assert np.median(np.abs(pull[both])) / 0.6745 == pytest.approx(1.0, abs=0.1)
    used = found.vertex != NONE
    np.testing.assert_array_equal(found.jet[found.vertex[used]], tracks.jet[used])
    np.testing.assert_array_equal(np.bincount(found.vertex[used], minlength=len(found)), found.n_tracks)
    np.testing.assert_array_equal(found.ndf >= 0, True)


def test_many_tracks_of_one_point_are_one_vertex(toy):
    """Nearest first, tracks gather on both sides: by the increase of χ² alone, two vertices would often be left."""
    jets = 300
    made, _, axis = toy.decays(jets, 16, 4.0, 3)
    tracks = toy.seen(made, np.zeros((jets, 3)), 4)
    count = np.bincount(found_in(tracks, axis, jets).jet, minlength=jets)
    assert (count == 1).mean() > 0.96
    assert (count > 0).mean() > 0.98  # a decay at 1.5 mm far forward may be compatible with the collision
    split = np.bincount(found_in(tracks, axis, jets, merge_by_increase=True).jet, minlength=jets)
    assert (split > 1).mean() > (count > 1).mean()


def test_positions_are_near_the_truth(toy, decays):
    _, point, _, found = decays
    whole = found.n_tracks == 5
    assert whole.sum() > 500
    assert np.median(np.linalg.norm(found.position[whole] - point[found.jet[whole]], axis=1)) < 0.2


def cascade(toy, jets, separation, seed, **cuts):
    """One track of a beauty hadron at 3 mm, two of its charm hadron `separation` mm behind; the fraction found as such,
    and the chains."""
    tracks, flight, _, _ = chains_of(toy, jets, [3.0, 3.0 + separation, 3.0 + separation], seed)
    found = found_in(tracks, flight, jets, **cuts)
    index = found.vertex.reshape(jets, 3)
    right = (index[:, 0] >= 0) & (index[:, 1] == index[:, 2]) & (index[:, 1] == index[:, 0] + 1)
    return right.mean(), found


def test_cascades_are_resolved_where_they_are_long(toy):
    """A one-track vertex in front of one with two, the more often the farther they are apart."""
    fractions = [cascade(toy, 500, separation, 30)[0] for separation in (0.0, 1.0, 3.0, 10.0)]
    assert fractions[0] < 0.03
    assert fractions == sorted(fractions)
    assert fractions[3] > 0.4
    assert fractions[3] > 2 * fractions[1]


def test_the_increase_of_chi2_resolves_shorter_cascades(toy):
    short = [cascade(toy, 500, 2.0, 30, merge_by_increase=by_increase)[0] for by_increase in (False, True)]
    assert short[1] > 1.1 * short[0]


def test_a_cut_by_mass_resolves_more(toy):
    tracks, flight, _, _ = chains_of(toy, 500, [3.0, 3.0, 5.0, 5.0], 40)
    assert len(found_in(tracks, flight, 500, merge_by_mass=True)) > 1.05 * len(found_in(tracks, flight, 500))


def test_prompt_jets_have_few(toy):
    jets = 2_000
    made, _, axis = toy.decays(jets, 6, 1e-9, 12)
    found = found_in(toy.seen(made, np.zeros((jets, 3)), 13), axis, jets)
    several = np.unique(found.jet[found.n_tracks > 1])
    assert len(several) < 0.02 * jets
    assert len(np.unique(found.jet)) < 0.35 * jets  # 6 tracks, of which 3 % pass the cut on single ones


def test_v0_are_left_out(toy):
    jets = 500
    made, _, axis = toy.two_bodies(jets, (PION, PION), KAON, 3)
    tracks = toy.seen(made, np.zeros((jets, 3)), 4)
    kept = found_in(tracks, axis, jets, reject_v0=False)
    assert len(kept) > 0.6 * jets
    assert len(found_in(tracks, axis, jets, v0_significance_min=0.0)) < 0.15 * len(kept)
    assert len(found_in(tracks, axis, jets)) < 0.5 * len(kept)  # those that are known to be far from the collision
    near = found_in(tracks, axis, jets, v0_significance_min=1e9)
    np.testing.assert_array_equal(near.vertex, kept.vertex)


def test_an_improbable_vertex_is_removed(toy):
    """Tracks that pass the axis at some millimetres are at no vertex on it."""
    jets = 300
    tracks, flight, _, _ = chains_of(toy, jets, [5.0, 5.0, 5.0, 5.0], 50)
    tracks.parameters[::4, 0] += 0.8
    found = found_in(tracks, flight, jets, axis_phi_error=1e-4, axis_eta_error=1e-4)
    index = found.vertex.reshape(jets, 4)
    assert (index[:, 0] == NONE).mean() > (index[:, 1:] == NONE).mean() + 0.2


def test_vertices_behind_have_negative_distances_and_do_not_count(toy, decays):
    tracks, point, axis, _ = decays
    found = found_in(tracks, -axis, len(point), flight_significance_min=0.0)
    assert len(found) > 100
    assert (found.distance < 0).mean() > 0.95
    features = jet_fitter_features(found, *angles(-axis), np.full(len(axis), 50.0))
    empty = np.bincount(found.jet[found.distance > 0], minlength=len(axis)) == 0
    pairs = [feature.name for feature in FEATURES].index("jet_fitter_n_pairs")
    np.testing.assert_array_equal(np.delete(features[empty], pairs, axis=1)[:, :7], 0.0)
    np.testing.assert_array_equal(features[empty][:, -3:], MISSING)


def angles(axis):
    return np.arcsinh(axis[:, 2] / np.hypot(axis[:, 0], axis[:, 1])), np.arctan2(axis[:, 1], axis[:, 0])


def all_finite(found):
    return all(np.isfinite(getattr(found, field.name)).all() for field in fields(found))


def test_few_tracks_and_none(toy):
    made, _, axis = toy.decays(4, 3, 4.0, 14)
    some = made.take(np.array([3, 6, 7, 9, 10, 11]))  # 0, 1, 2 and 3 tracks
    found = found_in(toy.seen(some, np.zeros((4, 3)), 15), axis, 4)
    assert all_finite(found)
    assert 0 not in found.jet
    np.testing.assert_allclose(found.axis[0], axis[0])
    np.testing.assert_allclose(found.covariance[0, :3, :3], CERTAIN)
    none = found_in(toy.seen(made.take(np.arange(0)), np.zeros((4, 3)), 16), axis, 4)
    assert len(none) == 0
    assert none.momentum.shape == (0, 4)
    features = jet_fitter_features(none, *angles(axis), np.zeros(4))
    np.testing.assert_array_equal(features, np.tile([0.0] * 8 + [MISSING] * 3, (4, 1)))
    nothing = found_in(toy.seen(made.take(np.arange(0)), np.zeros((0, 3)), 17), np.zeros((0, 3)), 0)
    assert jet_fitter_features(nothing, np.zeros(0), np.zeros(0), np.zeros(0)).shape == (0, len(FEATURES))


def test_tracks_along_the_axis_and_far_vertices(toy):
    """Nothing is known of where such tracks cross the axis; all stays finite."""
    jets = 200
    random = np.random.default_rng(20)
    eta, phi = random.uniform(-2, 2, jets), random.uniform(-np.pi, np.pi, jets)
    axis = toy.momenta(np.ones(jets), eta, phi)
    jet = np.repeat(np.arange(jets), 3)
    along = toy.particles(jet, 8.0 * axis[jet], random.normal(0, 0.3, (len(jet), 3)))
    found = found_in(toy.seen(along, np.zeros((jets, 3)), 21), axis, jets)
    assert all_finite(found)
    assert len(found) > 0
    made, _, axis = toy.decays(jets, 5, 4.0, 22)
    tracks = toy.seen(made, np.zeros((jets, 3)), 23)
    for place in ([0.0, 0.0, 300.0], [80.0, -60.0, 5.0]):
        far = found_in(tracks, axis, jets, primary=np.tile(place, (jets, 1)))
        assert all_finite(far)
        features = jet_fitter_features(far, *angles(axis), np.full(jets, 50.0))
        assert np.isfinite(features).all()


def test_more_tracks_than_a_chain_takes_and_equal_ones(toy):
    """The most displaced twenty of forty-five are used; a track that is measured three times is three tracks."""
    jets = 50
    made, _, axis = toy.decays(jets, 45, 4.0, 26)
    random = np.random.default_rng(27)
    spread = axis[made.jet] * random.exponential(6.0, len(made.jet))[:, None]
    tracks = toy.seen(toy.particles(made.jet, made.momentum, spread, made.charge), np.zeros((jets, 3)), 28)
    found = found_in(tracks, axis, jets, vertex_probability_min=0.0)
    assert all_finite(found)
    assert found.n_fitted.max() == 20
    assert len(found) > 3 * jets
    made, _, axis = toy.decays(jets, 2, 4.0, 29)
    tracks = toy.seen(made, np.zeros((jets, 3)), 30)
    equal = found_in(tracks.take(np.repeat(np.arange(0, 2 * jets, 2), 3)), axis, jets)
    assert all_finite(equal)
    assert (np.bincount(equal.n_tracks, minlength=4)[[0, 1, 2]] == 0).all()


def test_infinite_and_unknown_chi2(toy):
    """What cannot be fitted is not used."""
    made, _, axis = toy.decays(2, 5, 4.0, 24)
    tracks = toy.seen(made, np.zeros((2, 3)), 25)
    chi2 = np.full(len(tracks), 50.0)
    chi2[0], chi2[1] = np.nan, np.inf
    primary, covariance = np.zeros((2, 3)), np.repeat(CERTAIN[None], 2, axis=0)
    found = fit_decay_chains(tracks, 2, chi2, primary, covariance, axis, FIELD, JetFitterCuts())
    assert found.vertex[0] == NONE
    assert all_finite(found)


def test_the_order_of_tracks_does_not_matter(decays):
    tracks, point, axis, found = decays
    jets = len(point)
    random = np.random.default_rng(60)
    order = np.lexsort((random.random(len(tracks)), tracks.jet))
    other = found_in(tracks.take(order), axis, jets)
    np.testing.assert_array_equal(other.vertex, found.vertex[order])
    np.testing.assert_array_equal(other.distance, found.distance)
    np.testing.assert_array_equal(other.covariance, found.covariance)
    np.testing.assert_allclose(other.momentum, found.momentum)


def test_chunks_do_not_matter(decays):
    tracks, point, axis, found = decays
    cut = 700
    low, high = np.flatnonzero(tracks.jet < cut), np.flatnonzero(tracks.jet >= cut)
    first = found_in(tracks.take(low), axis[:cut], cut)
    later = tracks.take(high)
    later.jet[:] -= cut
    second = found_in(later, axis[cut:], len(point) - cut)
    for name in ("distance", "momentum", "parameters", "covariance", "n_pairs"):
        joined = np.concatenate([getattr(first, name), getattr(second, name)])
        np.testing.assert_array_equal(joined, getattr(found, name))


def test_variables_by_hand():
    """One jet with vertices of three tracks, of one, and of two behind; one jet with a single track; one with none."""
    momentum = np.array([[0.0, 3.0, 4.0, 6.0], [0.0, 1.0, 0.0, 1.5], [5.0, 0.0, 0.0, 6.0], [2.0, 0.0, 0.0, 2.5]])
    chains = DecayChains(
        jet=np.array([0, 0, 0, 1]),
        distance=np.array([4.0, 9.0, -2.0, 6.0]),
        distance_error=np.array([0.5, 1.0, 1.0, 2.0]),
        vertex_chi2=np.ones(4),
        n_tracks=np.array([3, 1, 2, 1]),
        momentum=momentum,
        vertex=np.array([0, 0, 0, 1, 2, 2, 3]),
        parameters=np.array([[0, 0, 0, np.pi / 2, np.pi / 2], [0, 0, 0, 0.0, np.pi / 2], [0, 0, 0, 0.3, 1.0]]),
        covariance=np.zeros((3, 5, 5)),
        chi2=np.zeros(3),
        n_fitted=np.array([7, 1, 0]),
        n_pairs=np.array([4, 0, 0]),
    )
    eta, phi = np.array([0.5, 0.0, 1.0]), np.array([1.5, -0.1, 0.0])
    found = jet_fitter_features(chains, eta, phi, np.array([30.0, 10.0, 0.0]))
    mass = np.sqrt(36.0 - 25.0)
    all_eta = np.arcsinh(4.0 / 4.0)  # (0, 4, 4)
    np.testing.assert_allclose(
        found[0],
        [1, 1, 3, 4, mass, np.sqrt(mass**2 + 16) + 4, 7.5 / 30, 8.0, all_eta - 0.5, np.pi / 2 - 1.5, all_eta],
    )
    np.testing.assert_allclose(found[1], [0, 1, 0, 0, 1.5, 1.5, 0.25, 3.0, 0.0, 0.1, 0.0], atol=1e-12)
    np.testing.assert_allclose(found[2], [0] * 8 + [MISSING] * 3)
    np.testing.assert_array_equal(chains.ndf, [2 * 7 - 3, 1, 0])
    assert len({feature.name for feature in FEATURES}) == len(FEATURES) == found.shape[1]
