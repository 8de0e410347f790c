"""Expert variables of jets made by hand, flavours by partons, and the authors' jet probability."""

from math import erf, exp, factorial, log, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad

from bevatron.prepare.jets.parton_flavour import assign_parton_flavour
from bevatron.prepare.jets.published_experts import (
    FEATURES,
    LEADING,
    published_experts,
    published_jet_probability,
    track_energy,
    track_probability,
)
from bevatron.prepare.jets.published_features import (
    TRACK_FEATURES,
    listed_tracks,
    published_track_features,
)
from bevatron.prepare.jets.published_reconstruction import PublishedJets
from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.secondary_vertices import SecondaryVertices
from bevatron.store.shards.columns import Ragged

SIGMA = np.array([0.02, 0.1, 1e-3, 1e-3, 1e-2])


def no_vertices(n):
    nothing = np.zeros(0)
    matrix, vector = np.zeros((0, 3, 3)), np.zeros((0, 3))
    return SecondaryVertices(
        jet=np.zeros(0, int),
        position=vector,
        covariance=matrix,
        chi2=nothing,
        ndf=nothing,
        momentum=np.zeros((0, 4)),
        flight=vector,
        significance=nothing,
        n_tracks=np.zeros(0, int),
        vertex=np.full(n, -1),
        weight=np.zeros(n),
    )


def jets_of(rows, vertices=None, expert=None):
    """rows: (jet, d0, z0, phi, eta, pt) of each track, all of the primary vertex."""
    jet, d0, z0, phi, eta, pt = (np.array(column, float) for column in zip(*rows, strict=True))
    theta = 2 * np.arctan(np.exp(-eta))
    n = len(rows)
    parameters = np.stack([d0, z0, phi, theta, np.sin(theta) / pt], axis=1)
    tracks = Tracks(
        jet.astype(int), np.zeros(n, int), parameters, np.tile(np.diag(SIGMA**2), (n, 1, 1)), np.ones(n, bool)
    )
    yes = np.ones(n, bool)
    expert = yes if expert is None else np.array(expert)
    return PublishedJets(tracks, np.full(n, 0.95), yes, ~yes, expert, vertices or no_vertices(n))


def experts_of(jets, n, kinematics=None):
    kinematics = kinematics or (np.full(n, 40.0), np.zeros(n), np.zeros(n))
    expert, leading = published_experts(kinematics, jets, track_energy(jets, n, 8.0))
    names = [feature.name for feature in (*FEATURES, *LEADING)]
    return dict(zip(names, np.concatenate([expert, leading], axis=1).T, strict=True))


def test_tracks_are_ranked_by_the_size_of_d0_itself():
    """Not by its significance, and whatever its sign: so hl_vars.cc has it."""
    rows = [(0, 0.3, 0.1, 0, 0, 5), (0, -0.5, -0.4, 0, 0, 5), (0, 0.1, 0.9, 0, 0, 5)]
    jets = jets_of(rows)
    jets.tracks.covariance[0, 0, 0] = 0.001**2  # the most significant one has not the largest d0
    found = experts_of(jets, 1)
    assert found["track_1_d0_significance"][0] == pytest.approx(25.0)
    assert found["track_2_d0_significance"][0] == pytest.approx(300.0)
    assert found["track_3_d0_significance"][0] == pytest.approx(5.0)
    assert found["track_1_z0_significance"][0] == pytest.approx(4.0)
    assert found["track_2_z0_significance"][0] == pytest.approx(1.0)
    assert found["track_3_z0_significance"][0] == pytest.approx(9.0)
    assert found["n_tracks"][0] == 3


def test_the_threshold_counts_from_two_tracks_on():
    found = experts_of(
        jets_of([(0, 0.5, 0, 0, 0, 5), (1, 0.5, 0, 0, 0, 5), (1, 0.035, 0, 0, 0, 5), (1, -0.04, 0, 0, 0, 5)]), 2
    )
    assert found["n_tracks_over_d0_threshold"].tolist() == [0, 2]


def test_missing_values():
    found = experts_of(jets_of([(1, 0.5, 0, 0, 0, 5)], expert=[True]), 3)
    for name in ("track_1_d0_significance", "jet_prob", "jet_width_eta", "jet_width_phi"):
        assert (found[name][[0, 2]] == -1).all()
        assert found[name][1] != -1
    for name in ("track_2_d0_significance", "track_3_z0_significance", "vertex_mass", "n_secondary_vertices"):
        assert (found[name] == -1).all()


def test_tracks_that_experts_do_not_take_count_for_the_list_alone():
    found = experts_of(jets_of([(0, 0.5, 0, 0, 0, 0.7), (0, 0.2, 0, 0, 0, 5)], expert=[False, True]), 1)
    assert found["track_1_d0_significance"][0] == pytest.approx(10.0)
    assert found["track_2_d0_significance"][0] == -1
    assert found["n_tracks"][0] == 2


def test_widths_are_those_of_the_tracks():
    rows = [(0, 0, 0, 0.1, 0.3, 2.0), (0, 0, 0, -0.2, 0.0, 6.0)]
    found = experts_of(jets_of(rows), 1, (np.array([40.0]), np.array([0.1]), np.array([0.0])))
    assert found["jet_width_eta"][0] == pytest.approx(sqrt((2 * 0.2**2 + 6 * 0.1**2) / 8))
    assert found["jet_width_phi"][0] == pytest.approx(sqrt((2 * 0.1**2 + 6 * 0.2**2) / 8))


def test_vertices_are_summed_as_one_decay_chain():
    rows = [(0, 0.5, 0, 0, 0, 5)] * 4 + [(1, 0.5, 0, 0, 0, 5)]
    flight = np.array([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    vertices = SecondaryVertices(
        jet=np.array([0, 0]),
        position=flight,
        covariance=np.zeros((2, 3, 3)),
        chi2=np.zeros(2),
        ndf=np.ones(2),
        momentum=np.array([[3.0, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 1.5]]),
        flight=flight,
        significance=np.array([10.0, 8.0]),
        n_tracks=np.array([3, 2]),
        vertex=np.array([0, 0, 1, 1, -1]),
        weight=np.full(5, 0.6),
    )
    found = experts_of(jets_of(rows, vertices), 2)
    inverse = np.array([(10 / 3) ** 2, (8 / 4) ** 2])
    assert found["vertex_significance"][0] == pytest.approx((flight.sum(axis=1) * inverse).sum() / sqrt(inverse.sum()))
    assert found["n_secondary_vertices"].tolist() == [2, -1]
    assert found["n_secondary_vertex_tracks"][0] == 5
    assert found["delta_r_vertex"][0] == pytest.approx((3 * 0.0 + 2 * pi / 2) / 5)
    assert found["vertex_mass"][0] == pytest.approx(4.0 + 1.5)
    energy = 4 * sqrt(25 + 0.13957**2)
    assert found["vertex_energy_fraction"][0] == pytest.approx(6.5 / energy, rel=1e-6)


def authors_track_probability(x):
    """constants_jetprob.hh and hl_vars.cc, term by term."""
    total = 0.0
    for norm, width in ((0.32, 0.56), (0.19, 0.89)):
        total += sqrt(pi) / 2 * norm * width * (1 - erf(x / (sqrt(2) * width)))
    for offset, slope in ((3.09, 0.81), (6.07, 0.23)):
        total += exp(-offset - slope * x) / slope
    return total


def test_a_tracks_probability_is_the_authors():
    at = np.array([0.0, 0.5, 1.7, 4.0, 20.0])
    np.testing.assert_allclose(track_probability(at), [authors_track_probability(x) for x in at], rtol=1e-12)


def test_it_is_the_integral_of_the_published_distribution_up_to_the_authors_factor():
    """ATLAS-CONF-2010-091's function; the authors' Gaussians are too small by the square root of 2."""

    def density(x):
        gaussians = 0.32 * exp(-(x**2) / (2 * 0.56**2)) + 0.19 * exp(-(x**2) / (2 * 0.89**2))
        return gaussians / sqrt(2) + exp(-3.09 - 0.81 * x) + exp(-6.07 - 0.23 * x)

    for x in (0.0, 1.0, 3.0):
        assert track_probability(np.array([x]))[0] == pytest.approx(quad(density, x, np.inf)[0], rel=1e-6)


def test_a_jets_probability_is_the_authors_sum():
    sizes = [0.3, 2.5, 1.1, 7.0]
    product = np.prod([authors_track_probability(x) for x in sizes])
    expected = product * sum((-log(product)) ** k / factorial(k) for k in range(4))
    found = published_jet_probability(np.array(sizes), np.zeros(4, int), 2)
    assert found[0] == pytest.approx(expected, rel=1e-10)
    assert found[1] == -1


def test_the_probability_of_an_endless_significance_is_a_number():
    assert np.isfinite(published_jet_probability(np.array([1e6, 1e9]), np.zeros(2, int), 1)).all()


def test_lists_are_ordered_by_significance_and_cut():
    jets = jets_of(
        [(0, 0.1, 0, 0, 0, 5), (0, -0.3, 0, 0, 0, 5), (2, 0.2, 0, 0, 0, 5), (2, 0.0, 0, 0, 0, 5), (2, -0.4, 0, 0, 0, 5)]
    )
    rows = listed_tracks(jets, 3, 2)
    assert rows.values.tolist() == [1, 0, 4, 2]
    assert rows.offsets.tolist() == [0, 2, 2, 4]


def test_track_parameters_are_from_the_jets_axis_and_d0_has_the_files_sign():
    jets = jets_of([(0, 0.2, 0.3, -3.1, 1.0, 5.0)])
    jets.tracks.covariance[0, 0, 2] = jets.tracks.covariance[0, 2, 0] = 5e-6
    found = published_track_features(jets, np.array([0]), np.array([1.2]), np.array([3.1]))[0]
    named = dict(zip([feature.name for feature in TRACK_FEATURES], found, strict=True))
    assert named["d0"] == -0.2  # (x × p)_z is negative where ATLAS's d0 is positive
    assert named["z0"] == 0.3
    assert named["phi"] == pytest.approx(2 * pi - 6.2)
    assert named["theta"] == pytest.approx(2 * np.arctan(exp(-1.0)) - 2 * np.arctan(exp(-1.2)))
    assert named["cov_d0_d0"] == pytest.approx(SIGMA[0] ** 2)
    assert named["cov_d0_phi"] == pytest.approx(-5e-6)
    assert named["vertex_weight"] == 0.95


def test_the_heaviest_parton_within_reach_gives_the_flavour():
    partons = [[(21, 0.1), (4, 0.4), (5, 0.51)], [(5, 0.5), (4, 0.1)], [(3, 0.0), (21, 0.0)], [], [(4, 0.6)]]
    values = np.array([row for rows in partons for row in rows], np.float32)
    offsets = np.cumsum([0, *map(len, partons)])
    assert assign_parton_flavour(Ragged(values, offsets), 0.5).tolist() == [1, 2, 0, 0, 0]
    assert assign_parton_flavour(Ragged(values, offsets), 0.7).tolist() == [2, 2, 0, 0, 1]
    assert assign_parton_flavour(Ragged(np.zeros((0, 2), np.float32), np.zeros(1, int)), 0.5).tolist() == []
