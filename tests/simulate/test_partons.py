"""Partons near jets, on constructed events."""

import numpy as np

from bevatron.simulate.collisions.clustering import ClusteredJets
from bevatron.simulate.collisions.particles import Particles
from bevatron.simulate.collisions.partons import find_partons, select_partons
from bevatron.store.shards.columns import Ragged


def particles_of(events):
    """events: lists of (pdg_id, pt, eta, phi)."""
    rows = [row for event in events for row in event]
    pdg_id, pt, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    nothing = np.zeros(len(rows), int)
    momenta = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta))
    offsets = np.cumsum([0, *map(len, events)])
    return Particles(offsets, pdg_id.astype(int), nothing, nothing, nothing, *momenta, np.zeros((len(rows), 3)))


def jets_of(rows):
    """rows: (event, eta, phi)."""
    event, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    n = len(rows)
    momenta = (30 * np.cos(phi), 30 * np.sin(phi), 30 * np.sinh(eta), 30 * np.cosh(eta))
    return ClusteredJets(event, np.zeros(n, int), *momenta, Ragged(np.zeros(0, int), np.zeros(n + 1, int)))


def lists(found):
    return [found.values[a:b].tolist() for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def test_quarks_and_gluons_hard_and_central_enough_are_partons():
    kept = [(5, 1.1, 0.0, 0.0), (-1, 20.0, 2.4, 1.0), (21, 2.0, -2.4, 1.0)]
    lost = [(5, 0.9, 0.0, 0.0), (4, 9.0, 2.6, 0.0), (6, 90.0, 0.0, 0.0), (511, 9.0, 0.0, 0.0), (15, 9.0, 0.0, 0.0)]
    assert select_partons(particles_of([[*kept, *lost, (2101, 5.0, 0.0, 0.0)]])).tolist() == [0, 1, 2]


def test_the_nearest_of_each_kind_is_listed_within_its_event():
    events = [
        [(5, 9.0, 0.0, 3.1), (-5, 9.0, 0.0, 2.9), (21, 5.0, 0.3, 3.1), (4, 5.0, 0.0, 1.0)],
        [(1, 9.0, 0.0, 0.0)],
        [(3, 5.0, 1.0, 0.0), (3, 5.0, 1.0, 0.1)],
    ]
    found = lists(find_partons(particles_of(events), jets_of([(0, 0.0, -3.1), (0, 1.0, 1.0), (2, 1.0, 0.02)])))
    np.testing.assert_allclose(found[0], [[5, 2 * np.pi - 6.2], [21, np.hypot(0.3, 2 * np.pi - 6.2)]], atol=1e-6)
    assert found[1] == []  # the charm quark is at ΔR = 1
    np.testing.assert_allclose(found[2], [[3, 0.02]], atol=1e-6)


def test_no_jets():
    jets = jets_of([(0, 0.0, 0.0)]).take(np.zeros(0, int))
    found = find_partons(particles_of([[(5, 9.0, 0.0, 0.0)]]), jets)
    assert found.offsets.tolist() == [0]
    assert found.values.shape == (0, 2)
