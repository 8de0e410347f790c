"""The charged particles of jets and of the rest of their events, of which a tracker may see some."""

from dataclasses import dataclass

import numpy as np

from bevatron.prepare.columns import ragged, values_of
from bevatron.store.shards.columns import Samples

SPECTATOR_PT_MIN = 0.5  # GeV: softer than a jet's tracks, as they need only point to the collision
NO_JET = -1


@dataclass(frozen=True)
class Charged:
    """Charged particles, flat: jet (total,) counts the jets, NO_JET outside of all; event (total,) counts the
    events; momentum (total, 3) in GeV, place of production (total, 3) in mm from the collision, charge (total,) in
    e.
    """

    jet: np.ndarray
    event: np.ndarray
    momentum: np.ndarray
    vertex: np.ndarray
    charge: np.ndarray

    @property
    def pt(self) -> np.ndarray:
        """Transverse momentum (total,) in GeV."""
        return np.hypot(self.momentum[:, 0], self.momentum[:, 1])

    @property
    def eta(self) -> np.ndarray:
        """Pseudorapidity (total,) of the momentum."""
        return np.arcsinh(self.momentum[:, 2] / self.pt)

    def take(self, rows: np.ndarray) -> "Charged":
        """The particles at `rows` (integer indices), in that order."""
        return Charged(self.jet[rows], self.event[rows], self.momentum[rows], self.vertex[rows], self.charge[rows])


def select_charged(raw: Samples, event: np.ndarray) -> Charged:
    """The charged constituents of all jets, then the spectators (none in a source without them).

    event (n_jets,): the event of each jet. The lists hold px, py, pz, energy in GeV and x, y, z in mm; beside them
    the PDG number and three times the charge.
    """
    parts = [_charged_members(raw, "constituents", "constituent_ids")]
    if "spectators" in raw.inputs:
        parts.append(_charged_members(raw, "spectators", "spectator_ids"))
    groups = [Charged(jet, event[jet], *values) for jet, *values in parts]
    for outside in groups[1:]:
        outside.jet[:] = NO_JET
    columns = ("jet", "event", "momentum", "vertex", "charge")
    return Charged(*(np.concatenate([getattr(part, name) for part in groups]) for name in columns))


def _charged_members(raw: Samples, values: str, ids: str) -> tuple[np.ndarray, ...]:
    members, thirds = ragged(raw, values), values_of(raw, ids)[:, 1]
    rows = np.flatnonzero(thirds)
    jet = np.repeat(np.arange(len(members)), members.lengths)[rows]
    kinematics = members.values[rows].astype(np.float64)
    return jet, kinematics[:, :3], kinematics[:, 4:7], thirds[rows] / 3.0


def select_within_reach(particles: Charged, pt_min: float, eta_max: float, radius_max: float) -> Charged:
    """Those of `rows_within_reach`."""
    return particles.take(rows_within_reach(particles, pt_min, eta_max, radius_max))


def rows_within_reach(particles: Charged, pt_min: float, eta_max: float, radius_max: float) -> np.ndarray:
    """The rows of those that a tracker can see: hard enough, central enough, and made before its first layer (mm)."""
    radius = np.hypot(particles.vertex[:, 0], particles.vertex[:, 1])
    minimum = np.where(particles.jet == NO_JET, min(pt_min, SPECTATOR_PT_MIN), pt_min)
    visible = (particles.pt > minimum) & (np.abs(particles.eta) < eta_max) & (radius < radius_max)
    return np.flatnonzero(visible)
