"""Heavy hadrons are known by the Particle Data Group's numbers, and found at the end of their chains."""

import numpy as np
import pytest

from bevatron.simulate.collisions.clustering import ClusteredJets
from bevatron.simulate.collisions.hadrons import decay_vertex, find_weakly_decaying, heavy_quark, match_nearest_jet
from bevatron.simulate.collisions.particles import Particles
from bevatron.store.shards.columns import Ragged

NAMED = {
    "B0": (511, 5),
    "B-": (-521, 5),
    "B_s*": (533, 5),
    "B_c+": (541, 5),
    "Λ_b": (5122, 5),
    "Ω_b-": (5332, 5),
    "B_1 excited": (10513, 5),
    "D+": (411, 4),
    "D*0": (423, 4),
    "D_s1": (10433, 4),
    "Λ_c bar": (-4122, 4),
    "Ξ_c+": (4232, 4),
    "J/ψ": (443, 0),
    "Υ(4S)": (300553, 0),
    "pion": (211, 0),
    "K_S": (310, 0),
    "Λ": (3122, 0),
    "proton": (2212, 0),
    "b quark": (5, 0),
    "bd diquark": (5103, 0),
    "gluon": (21, 0),
    "colour-octet charmonium": (9940003, 0),
}


@pytest.mark.parametrize("name", NAMED)
def test_heavy_quark_of_a_particle(name):
    number, quark = NAMED[name]
    assert heavy_quark(np.array([number])).tolist() == [quark]


def records():
    """Two events: in each a B*0 → B0 γ, B0 → D- π+, D- → K+ π- …, the second event's displaced by 1 mm."""
    pdg = [90, 513, 511, 22, -411, 211, 321]
    mother = [0, 0, 1, 1, 2, 2, 4]
    daughter = [1, 2, 4, 0, 6, 0, 0]
    status = [-11, -83, -91, 91, -91, 91, 91]
    place = np.array([0, 0, 0, 0, 2.0, 2.0, 5.0])
    vertex = np.stack([place, place * 0, place * 0], axis=1)
    momentum = np.full(14, 10.0)
    return Particles(
        offsets=np.array([0, 7, 14]),
        pdg_id=np.array(pdg * 2, np.int32),
        status=np.array(status * 2, np.int32),
        mother=np.array(mother * 2, np.int32),
        daughter=np.array(daughter * 2, np.int32),
        px=momentum,
        py=np.zeros(14),
        pz=np.zeros(14),
        energy=momentum,
        vertex=np.concatenate([vertex, vertex + np.array([1.0, 0.0, 0.0])]),
    )


def test_only_the_last_hadron_of_a_chain_counts_and_beauty_does_not_hide_charm():
    particles = records()
    found = find_weakly_decaying(particles)
    assert particles.pdg_id[found.entry].tolist() == [511, -411, 511, -411]
    assert found.quark.tolist() == [5, 4, 5, 4]


def test_a_hadron_decays_where_its_daughters_are_made():
    particles = records()
    found = find_weakly_decaying(particles)
    assert decay_vertex(particles, found.entry)[:, 0].tolist() == [2.0, 5.0, 3.0, 6.0]


def test_a_hadron_belongs_to_the_nearest_jet_of_its_own_event():
    particles = records()
    phi = np.array([0.5, 3.0, 0.3, 0.1])  # two jets an event; the hadrons fly along phi = 0
    jets = ClusteredJets(
        np.array([0, 0, 1, 1]),
        np.array([0, 1, 0, 1]),
        30 * np.cos(phi),
        30 * np.sin(phi),
        np.zeros(4),
        np.full(4, 30.0),
        Ragged(np.zeros(0, int), np.zeros(5, np.int64)),
    )
    matched = match_nearest_jet(particles, find_weakly_decaying(particles), jets)
    assert matched.lengths.tolist() == [2, 0, 0, 2]
    assert matched.values.tolist() == [0, 1, 2, 3]
