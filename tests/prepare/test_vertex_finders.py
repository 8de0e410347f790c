"""Both vertex finders of modern experiments on jets of simulated collisions, against the truth."""

import time

import numpy as np
import pytest

from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.flavour import assign_flavour
from bevatron.prepare.jets.inclusive_features import inclusive_features
from bevatron.prepare.jets.jet_fitter_features import jet_fitter_features
from bevatron.prepare.jets.jet_options import BeamSpot, Tracking
from bevatron.prepare.jets.vertex_finder_options import InclusiveVertexCuts, JetFitterCuts
from bevatron.prepare.tracking.detector import measure_tracks, sample_collision_points
from bevatron.prepare.tracking.particles import NO_JET, select_charged
from bevatron.prepare.vertexing.inclusive_vertex import find_inclusive_vertices
from bevatron.prepare.vertexing.jet_fitter import fit_decay_chains
from bevatron.prepare.vertexing.primary_vertex import fit_primary_vertices
from bevatron.prepare.vertexing.secondary_vertices import NONE
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.jets import PythiaJets

pytestmark = pytest.mark.slow
LIGHT, CHARM, BEAUTY = 0, 1, 2


@pytest.fixture(scope="module")
def jets():
    """Tracks of jets, flavour, chains, inclusive vertices, the variables of both, and how long both took."""
    raw = PythiaJets().simulate(PythiaJets.Options(kind="jets", events=600), 0, ShardSeed.of("7", 0))[0]
    numbers = raw.targets["event"]
    event = np.cumsum(np.concatenate([[True], numbers[1:] != numbers[:-1]])) - 1
    random, beam, tracking = np.random.default_rng(1), BeamSpot(), Tracking()
    tracks = measure_tracks(
        select_charged(raw, event), sample_collision_points(event[-1] + 1, beam, random), tracking, random
    )
    primary = fit_primary_vertices(tracks, event[-1] + 1, beam, tracking.field)
    inside = np.flatnonzero(tracks.jet != NO_JET)
    tracks, impact, added = tracks.take(inside), primary.impact[inside], primary.added[inside]
    matrix = np.linalg.inv(tracks.covariance[:, :2, :2] + added)
    chi2 = np.einsum("ni,nij,nj->n", impact, matrix, impact)
    _, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
    axis = np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
    flavour = assign_flavour(eta, phi, ragged(raw, "hadrons"), ragged(raw, "hadron_ids"), 0.3, 5.0)
    known = (tracks, len(raw), chi2, primary.position[event], primary.covariance[event], axis, tracking.field)
    for _ in range(2):  # the first compiles
        start = time.process_time()
        chains = fit_decay_chains(*known, JetFitterCuts())
        inclusive = find_inclusive_vertices(*known, InclusiveVertexCuts())
        seconds = time.process_time() - start
    energy = np.bincount(tracks.jet, 1 / np.abs(tracks.parameters[:, 4]), minlength=len(raw))
    variables = jet_fitter_features(chains, eta, phi, energy), inclusive_features(inclusive, eta, phi, energy)
    return tracks, flavour, chains, inclusive, *variables, seconds


def test_rates_by_flavour(jets):
    """At a median pt of 30 GeV. Beauty hadrons decay into five charged particles on average, of which some are too soft
    or point back: about half of the jets have a vertex of two tracks, and fake ones are of the order of per cent."""
    _, flavour, _, _, chain, inclusive, _ = jets
    for found in (chain[:, 0] > 0, inclusive[:, 0] >= 0):
        light, charm, beauty = (found[flavour == kind].mean() for kind in (LIGHT, CHARM, BEAUTY))
        assert beauty > 0.4
        assert 3 * light < charm < 0.6 * beauty
        assert light < 0.025
    any_vertex = chain[:, 0] + chain[:, 1] > 0
    light, charm, beauty = (any_vertex[flavour == kind].mean() for kind in (LIGHT, CHARM, BEAUTY))
    assert light < 0.1 < charm < beauty
    assert beauty > (chain[:, 0] > 0)[flavour == BEAUTY].mean() + 0.1  # what one-track vertices add


def test_tracks_at_vertices_are_of_decays(jets):
    """Purity against the truth, and what share of the tracks that are not from the collision are found."""
    tracks, flavour, chains, inclusive, *_ = jets
    size = np.where(chains.vertex == NONE, 0, chains.n_tracks[chains.vertex])
    of_flavour = flavour[tracks.jet]
    for used in (size == 1, size > 1, inclusive.vertex != NONE):
        assert (~tracks.prompt)[used & (of_flavour == BEAUTY)].mean() > 0.9
        assert (~tracks.prompt)[used & (of_flavour == CHARM)].mean() > 0.8
    secondary = ~tracks.prompt & (of_flavour == BEAUTY)
    assert (size > 0)[secondary].mean() > 0.45
    assert (inclusive.vertex != NONE)[secondary].mean() > 0.35
    assert (size > 0)[tracks.prompt].mean() < 0.02


def test_masses_are_those_of_the_hadrons(jets):
    """Nearly all vertices of charm jets weigh less than a charm hadron; those of beauty jets may weigh more."""
    _, flavour, _, _, chain, inclusive, _ = jets
    for mass in (chain[:, 4] * (chain[:, 0] > 0), inclusive[:, 0]):
        charm, beauty = (mass[(flavour == kind) & (mass > 0)] for kind in (CHARM, BEAUTY))
        assert (charm < 2.3).mean() > 0.9
        assert (beauty > 2.3).mean() > 0.12
        assert (beauty < 5.4).mean() > 0.99


def test_both_are_fast(jets):
    """At least 2,000 jets a second on one core; measured: 30,000."""
    _, flavour, *_, seconds = jets
    assert len(flavour) / seconds > 2_000
