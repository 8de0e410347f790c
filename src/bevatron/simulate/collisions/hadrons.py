"""Hadrons with a beauty or charm quark that decay weakly, and the jets they belong to."""

from dataclasses import dataclass

import numpy as np

from bevatron.simulate.collisions.clustering import ClusteredJets
from bevatron.simulate.collisions.particles import Particles
from bevatron.store.shards.columns import Ragged, elements_of

MAX_DELTA_R = 0.8  # ΔR up to which a hadron is kept with its nearest jet: twice the usual jet radius


@dataclass(frozen=True)
class HeavyHadrons:
    """entry (n,): the index of each in the batch's Particles; quark (n,) int32: 5 beauty, 4 charm."""

    entry: np.ndarray
    quark: np.ndarray


def heavy_quark(pdg_id: np.ndarray) -> np.ndarray:
    """5 for a hadron with beauty, 4 for one with charm and no beauty, 0 for anything else; int32.

    Reads the quark digits of the Particle Data Group's numbering (… n_q1 n_q2 n_q3 n_J). A diquark (n_q3 =
    0), a quark and quarkonium, whose quark and antiquark are the same, are no such hadrons.
    """
    number = np.abs(pdg_id).astype(np.int64)
    digits = np.stack([number // 1000 % 10, number // 100 % 10, number // 10 % 10])
    quarkonium = (digits[0] == 0) & (digits[1] == digits[2])
    hadron = (digits[1] > 0) & (digits[2] > 0) & ~quarkonium
    quark = np.where((digits == 5).any(axis=0), 5, np.where((digits == 4).any(axis=0), 4, 0))
    return np.where(hadron, quark, 0).astype(np.int32)


def find_weakly_decaying(particles: Particles) -> HeavyHadrons:
    """The last beauty hadron of each decay chain, and likewise the last charm hadron.

    One whose daughter has the same heavy quark (B* → B γ) decayed by the strong or electromagnetic force.
    """
    candidates = np.flatnonzero(np.abs(particles.pdg_id) > 400)  # no heavy hadron has a lower number
    quark = heavy_quark(particles.pdg_id[candidates])
    entry, quark = candidates[quark > 0], quark[quark > 0]
    start = particles.offsets[np.searchsorted(particles.offsets, entry, side="right") - 1]
    mother = start + particles.mother[entry]
    passes_on = np.zeros(len(particles.pdg_id), bool)
    same = heavy_quark(particles.pdg_id[mother]) == quark
    passes_on[mother[same]] = True
    last = ~passes_on[entry] & (particles.daughter[entry] > 0)
    return HeavyHadrons(entry[last], quark[last])


def decay_vertex(particles: Particles, entry: np.ndarray) -> np.ndarray:
    """Where the given entries decay, (n, 3) in mm: where their first daughter is made."""
    start = particles.offsets[np.searchsorted(particles.offsets, entry, side="right") - 1]
    return particles.vertex[start + particles.daughter[entry]]


def match_nearest_jet(particles: Particles, hadrons: HeavyHadrons, jets: ClusteredJets) -> Ragged:
    """For each jet the hadrons to which no jet of the event is nearer, within ΔR < MAX_DELTA_R.

    The values (total,) are positions in `hadrons`. All jets of the event must take part, also those cut away
    later.
    """
    px, py, pz = (column[hadrons.entry] for column in (particles.px, particles.py, particles.pz))
    eta, phi = np.arcsinh(pz / np.maximum(np.hypot(px, py), 1e-9)), np.arctan2(py, px)
    event = np.searchsorted(particles.offsets, hadrons.entry, side="right") - 1

    jet_cuts = np.searchsorted(jets.event, np.arange(particles.events + 1))
    jet, pair_cuts = elements_of(event, jet_cuts)  # every jet of each hadron's event
    hadron = np.repeat(np.arange(len(event)), np.diff(pair_cuts))
    delta_phi = np.remainder(phi[hadron] - jets.phi[jet] + np.pi, 2 * np.pi) - np.pi
    distance = np.hypot(eta[hadron] - jets.eta[jet], delta_phi)

    nearest_first = np.lexsort((distance, hadron))
    _, first = np.unique(hadron[nearest_first], return_index=True)
    best = nearest_first[first]
    best = best[distance[best] < MAX_DELTA_R]
    best = best[np.argsort(jet[best], kind="stable")]
    return Ragged(hadron[best], np.searchsorted(jet[best], np.arange(len(jets) + 1)))
