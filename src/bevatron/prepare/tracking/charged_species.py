"""All charged particles of events, with their species."""

from dataclasses import dataclass

import numpy as np

from bevatron.prepare.columns import ragged, values_of
from bevatron.store.shards.columns import Samples


@dataclass(frozen=True)
class ChargedSpecies:
    """Charged particles, event by event: event (total,); momentum (total, 3) in GeV; vertex (total, 3), the point of
    production in mm from the collision; charge (total,) in e; species (total,), |PDG number|.
    """

    event: np.ndarray
    momentum: np.ndarray
    vertex: np.ndarray
    charge: np.ndarray
    species: np.ndarray

    @property
    def pt(self) -> np.ndarray:
        """Transverse momentum (total,) in GeV."""
        return np.hypot(self.momentum[:, 0], self.momentum[:, 1])

    @property
    def eta(self) -> np.ndarray:
        """Pseudorapidity (total,) of the momentum."""
        return np.arcsinh(self.momentum[:, 2] / self.pt)

    def take(self, rows: np.ndarray) -> "ChargedSpecies":
        """The particles at `rows` (integer indices), in that order."""
        columns = (self.event, self.momentum, self.vertex, self.charge, self.species)
        return ChargedSpecies(*(column[rows] for column in columns))


def select_charged_species(raw: Samples, event: np.ndarray) -> ChargedSpecies:
    """The charged constituents of all jets and the spectators, sorted by event; event (n_jets,): the event of each jet.

    Particles without transverse momentum are left out: they have no azimuth.
    """
    parts = [_members(raw, "constituents", "constituent_ids", event)]
    if "spectators" in raw.inputs:
        parts.append(_members(raw, "spectators", "spectator_ids", event))
    of_event, kinematics, ids = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    moves = np.flatnonzero((kinematics[:, 0] != 0.0) | (kinematics[:, 1] != 0.0))
    rows = moves[np.argsort(of_event[moves], kind="stable")]
    kinematics, ids = kinematics[rows].astype(np.float64), ids[rows]
    return ChargedSpecies(of_event[rows], kinematics[:, :3], kinematics[:, 4:7], ids[:, 1] / 3.0, np.abs(ids[:, 0]))


def _members(raw: Samples, values: str, ids: str, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    members, numbers = ragged(raw, values), values_of(raw, ids)
    rows = np.flatnonzero(numbers[:, 1])
    return np.repeat(event, members.lengths)[rows], members.values[rows], numbers[rows]
