"""Adaptive vertices of generated jets against what was generated: how many are found, and of whose tracks they are."""

import numpy as np
import pytest

from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.adaptive_cuts import AdaptiveCuts
from bevatron.prepare.jets.flavour import assign_flavour
from bevatron.prepare.jets.jet_options import BeamSpot, Tracking
from bevatron.prepare.tracking.overlaid_particles import overlay_particles
from bevatron.prepare.tracking.particles import NO_JET, rows_within_reach
from bevatron.prepare.vertexing.adaptive_vertices import fit_single_adaptive, reconstruct_adaptive
from bevatron.prepare.vertexing.primary_vertex import fit_primary_vertices
from bevatron.prepare.vertexing.secondary_vertices import NONE
from bevatron.raw.split import EVENT
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.jets import PythiaJets

pytestmark = pytest.mark.slow

LIGHT, CHARM, BEAUTY = 0, 1, 2
TRACKING = Tracking(pt_min=0.5, fake_rate=0.0)
DISPLACED = 0.1  # mm


class Reconstructed:
    """Jets of every track that is in reach, the selected ones as in the published study (weight to the primary vertex
    at most 0.9, pt above 0.5 GeV, |d0| below 8 mm), and the true place of each track's production.
    """

    def __init__(self, raw, toy):
        event = np.cumsum(np.diff(raw.targets[EVENT], prepend=raw.targets[EVENT][:1]) != 0)
        beam, events = BeamSpot(), int(event[-1]) + 1
        truth = overlay_particles(raw, event, beam, np.random.default_rng(1))
        visible, collisions = truth.particles, truth.collisions
        reach = TRACKING.pt_min, TRACKING.eta_max, TRACKING.radius_max
        visible = visible.take(rows_within_reach(visible, *reach))
        tracks = toy.seen(visible, collisions, 2, TRACKING)
        primary = fit_primary_vertices(tracks, events, beam, TRACKING.field)
        inside = np.flatnonzero(tracks.jet != NO_JET)
        self.tracks = tracks.take(inside)
        self.selected = primary.weight[inside] <= 0.9
        self.selected &= (self.tracks.pt > 0.5) & (np.abs(self.tracks.parameters[:, 0]) < 8.0)
        self.place = visible.vertex[inside]
        self.jets = len(raw)
        _, eta, phi, _ = values_of(raw, "jet").astype(np.float64).T
        self.flavour = assign_flavour(eta, phi, ragged(raw, "hadrons"), ragged(raw, "hadron_ids"), 0.3, 5.0)
        cuts = AdaptiveCuts(shared_tracks=False)  # so that n_tracks counts what `vertex` lists
        arguments = (self.tracks, self.selected, self.jets, collisions[event], None, TRACKING.field, cuts)
        self.list, self.single = reconstruct_adaptive(*arguments), fit_single_adaptive(*arguments)
        name = np.concatenate([self.tracks.jet[:, None], np.round(self.place, 5)], axis=1)
        self.source = np.unique(name, axis=0, return_inverse=True)[1].ravel()

    def with_vertex(self, vertices, flavour):
        """The fraction of a flavour's jets that have a vertex."""
        return (np.bincount(vertices.jet, minlength=self.jets)[self.flavour == flavour] > 0).mean()


@pytest.fixture(scope="module")
def jets(toy):
    raw = PythiaJets().simulate(
        PythiaJets.Options(kind="jets", events=600, track_truth=True), 0, ShardSeed.of("21", 0)
    )[0]
    return Reconstructed(raw, toy)


def test_flavours_are_ordered(jets):
    """The list and the single fit start with the same tracks: about as many jets have either."""
    for vertices in (jets.list, jets.single):
        light, charm, beauty = (jets.with_vertex(vertices, flavour) for flavour in (LIGHT, CHARM, BEAUTY))
        assert 0.05 < light < 0.2
        assert 1.6 * light < charm < 0.4
        assert 0.6 < beauty < 0.8
    assert 0.9 * len(jets.single) < len(np.unique(jets.list.jet)) <= len(jets.single) * 1.02


def test_beauty_has_longer_flights_and_larger_masses(jets):
    flavour = jets.flavour[jets.single.jet]
    good = jets.single.n_tracks >= 2
    mass = [np.median(jets.single.mass[good & (flavour == kind)]) for kind in (LIGHT, CHARM, BEAUTY)]
    assert mass[2] > 1.3 * mass[1]
    significance = [np.median(jets.single.significance[good & (flavour == kind)]) for kind in (LIGHT, CHARM, BEAUTY)]
    assert significance[0] < significance[1] < significance[2]


def efficiency(jets, flavour, at_least):
    """Of the places, more than DISPLACED mm from the collision, where `at_least` selected tracks were made: the
    fraction of which two are in one vertex of the list.
    """
    _, inverse, count = np.unique(jets.source[jets.selected], return_inverse=True, return_counts=True)
    found, wanted = [], jets.list.vertex[jets.selected]
    far = np.linalg.norm(jets.place[jets.selected], axis=1) > DISPLACED
    of_flavour = jets.flavour[jets.tracks.jet[jets.selected]] == flavour
    for place in np.unique(inverse[far & of_flavour & (count[inverse] >= at_least)]):
        rows = wanted[inverse == place]
        found.append(np.bincount(rows[rows != NONE], minlength=1).max() >= 2)
    return np.mean(found), len(found)


def test_true_vertices_are_found(jets):
    """Those of three tracks nearly always; of a beauty hadron's two-track places the next decay often takes one."""
    for flavour, at_least, minimum in ((BEAUTY, 3, 0.9), (BEAUTY, 2, 0.7), (CHARM, 2, 0.85)):
        fraction, number = efficiency(jets, flavour, at_least)
        assert number > 50
        assert fraction > minimum


def test_purity(jets):
    """The fraction of the tracks of vertices of two or more that come from the place of most of them, and of those
    that do not come from the collision.
    """
    used = jets.list.vertex != NONE
    pairs, count = np.unique(np.stack([jets.list.vertex[used], jets.source[used]]), axis=1, return_counts=True)
    most = np.zeros(len(jets.list), int)
    np.maximum.at(most, pairs[0], count)
    displaced = np.linalg.norm(jets.place, axis=1) > 0.01
    for flavour, purity, fraction in ((CHARM, 0.75, 0.7), (BEAUTY, 0.6, 0.9)):
        rows = (jets.flavour[jets.list.jet] == flavour) & (jets.list.n_tracks >= 2)
        assert most[rows].sum() / jets.list.n_tracks[rows].sum() > purity
        assert displaced[used & (jets.flavour[jets.tracks.jet] == flavour)].mean() > fraction


def test_positions_of_pure_vertices_have_unit_pulls(jets, toy):
    """Vertices of two or more tracks, all of one place. Weights below one make errors larger than they are: the
    pulls' width is below one.
    """
    pulls = []
    for row in range(len(jets.list)):
        members = np.flatnonzero(jets.list.vertex == row)
        if len(members) >= 2 and len(set(jets.source[members])) == 1 and jets.list.weight[members].min() > 0.5:
            found = (jets.list.flight[row] - jets.place[members[0]])[None]
            pulls.append(toy.pulls(found, np.zeros((1, 3)), jets.list.covariance[row][None])[0])
    assert len(pulls) > 100
    width = np.median(np.abs(pulls)) / 0.6745
    assert 0.75 < width < 1.1
