"""The charged particles of jets and of the rest of their events, of which a tracker may see some."""

from dataclasses import dataclass

import numpy as np

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


def rows_within_reach(particles: Charged, pt_min: float, eta_max: float, radius_max: float) -> np.ndarray:
    """The rows of those that a tracker can see: hard enough, central enough, and made before its first layer (mm)."""
    radius = np.hypot(particles.vertex[:, 0], particles.vertex[:, 1])
    minimum = np.where(particles.jet == NO_JET, min(pt_min, SPECTATOR_PT_MIN), pt_min)
    visible = (particles.pt > minimum) & (np.abs(particles.eta) < eta_max) & (radius < radius_max)
    return np.flatnonzero(visible)
