"""The charged particles of an event that belong to none of its jets."""

from collections.abc import Callable

import numpy as np

from bevatron.simulate.collisions.clustering import ClusteredJets
from bevatron.simulate.collisions.particles import Particles
from bevatron.store.shards.columns import Ragged

PT_MIN = 0.5  # GeV
ETA_MAX = 2.5  # the reach of a tracker


def find_spectators(
    particles: Particles, charges: Callable[[np.ndarray], np.ndarray], entries: np.ndarray, jets: ClusteredJets
) -> Ragged:
    """For each jet that is the first of its event, the event's charged particles outside of all `jets`.

    charges: three times the electric charge of PDG numbers; entries (m,): the visible ones, in rising order. The
    values (total,) are those of them with pt > PT_MIN and |eta| < ETA_MAX, in the same order. Jets that are not the
    first of their event have none, and so have events without a jet.
    """
    px, py, pz = (column[entries] for column in (particles.px, particles.py, particles.pz))
    pt_squared = px**2 + py**2
    entry = entries[(pt_squared > PT_MIN**2) & (pz**2 < np.sinh(ETA_MAX) ** 2 * pt_squared)]
    in_a_jet = np.zeros(len(particles.pdg_id), bool)
    in_a_jet[jets.constituents.values] = True
    entry = entry[~in_a_jet[entry]]
    entry = entry[charges(particles.pdg_id[entry]) != 0]

    event = np.searchsorted(particles.offsets, entry, side="right") - 1
    cuts = np.searchsorted(event, np.arange(particles.events + 1))
    first = np.diff(jets.event, prepend=-1) > 0
    has_jet = np.zeros(particles.events, bool)
    has_jet[jets.event[first]] = True
    lengths = np.where(first, np.diff(cuts)[jets.event], 0)
    return Ragged(entry[has_jet[event]], np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
