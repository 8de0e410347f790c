"""Jets: particles clustered by FastJet's anti-kT algorithm, many events a call."""

from dataclasses import dataclass

import numpy as np

from bevatron.simulate.collisions.particles import Particles, is_one_of
from bevatron.store.shards.columns import Ragged

NEUTRINOS = (12, 14, 16)


@dataclass(frozen=True)
class ClusteredJets:
    """Jets of a batch of events, by event and falling pt.

    event (n,): the jet's event in the batch; rank (n,): its rank by pt in the event; px, py, pz, energy (n,) in
    GeV; constituents: Ragged whose values (total,) are entries of the batch's Particles.
    """

    event: np.ndarray
    rank: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    energy: np.ndarray
    constituents: Ragged

    def __len__(self) -> int:
        return len(self.event)

    @property
    def pt(self) -> np.ndarray:
        """Transverse momentum (n,) in GeV."""
        return np.hypot(self.px, self.py)

    @property
    def eta(self) -> np.ndarray:
        """Pseudorapidity (n,)."""
        return np.arcsinh(self.pz / self.pt)

    @property
    def phi(self) -> np.ndarray:
        """Azimuth (n,) in rad, within [-π, π]."""
        return np.arctan2(self.py, self.px)

    @property
    def mass(self) -> np.ndarray:
        """In GeV; rounding below zero is cut off."""
        return np.sqrt(np.maximum(self.energy**2 - self.px**2 - self.py**2 - self.pz**2, 0.0))

    def take(self, rows: np.ndarray) -> "ClusteredJets":
        """The jets at `rows` (integer indices), in that order."""
        px, py, pz, energy = self.px[rows], self.py[rows], self.pz[rows], self.energy[rows]
        return ClusteredJets(self.event[rows], self.rank[rows], px, py, pz, energy, self.constituents.take(rows))


def select_visible(particles: Particles, eta_max: float) -> np.ndarray:
    """Entries that a calorimeter of reach |eta| < eta_max would see: stable, and no neutrinos."""
    stable = np.flatnonzero(particles.status > 0)
    px, py, pz = (column[stable] for column in (particles.px, particles.py, particles.pz))
    inside = pz**2 < np.sinh(eta_max) ** 2 * (px**2 + py**2)
    return stable[inside & ~is_one_of(np.abs(particles.pdg_id[stable]), NEUTRINOS)]


def cluster_jets(particles: Particles, entries: np.ndarray, radius: float, pt_min: float) -> ClusteredJets:
    """Anti-kT jets (Cacciari, Salam, Soyez 2008; E scheme) of pt > pt_min GeV, made of the given entries."""
    import awkward as ak
    import fastjet

    cuts = np.searchsorted(entries, particles.offsets)
    columns = {"px": particles.px, "py": particles.py, "pz": particles.pz, "E": particles.energy}
    flat = ak.zip({name: column[entries] for name, column in columns.items()}, with_name="Momentum4D")
    events = ak.unflatten(flat, np.diff(cuts))
    clustered = fastjet.ClusterSequence(events, fastjet.JetDefinition(fastjet.antikt_algorithm, radius))
    clusters, members = clustered.inclusive_jets(pt_min), clustered.constituent_index(pt_min)

    event = np.repeat(np.arange(particles.events), ak.to_numpy(ak.num(clusters)))
    per_jet = ak.flatten(members, axis=1)  # positions among the event's entries
    lengths = ak.to_numpy(ak.num(per_jet)).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    positions = ak.to_numpy(ak.flatten(per_jet)) + np.repeat(cuts[event], lengths)
    px, py, pz, energy = (ak.to_numpy(ak.flatten(clusters[axis])) for axis in ("px", "py", "pz", "E"))
    constituents = Ragged(entries[positions], offsets)
    jets = ClusteredJets(event, np.zeros(len(event), np.int64), px, py, pz, energy, constituents)

    jets = jets.take(np.lexsort((-jets.pt, jets.event)))
    first = np.searchsorted(jets.event, np.arange(particles.events))
    jets.rank[:] = np.arange(len(jets)) - first[jets.event]
    return jets
