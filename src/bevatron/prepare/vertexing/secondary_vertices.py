"""Secondary vertices: the points in jets where particles decay."""

from dataclasses import dataclass

import numpy as np

NONE = -1


@dataclass(frozen=True)
class SecondaryVertices:
    """The secondary vertices of all jets, jet by jet, each jet's in the order in which they are found.

    For each vertex: jet (n,); position (n, 3) in mm and covariance (n, 3, 3) in mm²; chi2, ndf (n,); momentum (n, 4),
    the sum of (px, py, pz, E) in GeV, with all tracks taken as pions; flight (n, 3) in mm from the primary vertex, and
    its significance (n,); n_tracks (n,). For each track: vertex (total,), the row of its vertex, or NONE; weight
    (total,) in that vertex.
    """

    jet: np.ndarray
    position: np.ndarray
    covariance: np.ndarray
    chi2: np.ndarray
    ndf: np.ndarray
    momentum: np.ndarray
    flight: np.ndarray
    significance: np.ndarray
    n_tracks: np.ndarray
    vertex: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.jet)

    @property
    def mass(self) -> np.ndarray:
        """The mass of each vertex, (n,) in GeV."""
        energy, size = self.momentum[:, 3], (self.momentum[:, :3] ** 2).sum(axis=1)
        return np.sqrt(np.maximum(energy**2 - size, 0.0))

    @property
    def length(self) -> np.ndarray:
        """The length of the flight to each vertex, (n,) in mm."""
        return np.sqrt((self.flight**2).sum(axis=1))
