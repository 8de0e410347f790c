"""Secondary vertices: the points inside of jets where particles decayed."""

from dataclasses import dataclass

import numpy as np

NONE = -1


@dataclass(frozen=True)
class SecondaryVertices:
    """Vertices of all jets, one after the other, each jet's in the order in which they are found.

    jet (n,); position (n, 3) in mm and covariance (n, 3, 3); chi2, ndf (n,); momentum (n, 4) of (px, py, pz, E) in
    GeV, all tracks pions; flight (n, 3) from the primary vertex in mm and its significance (n,); n_tracks (n,).
    And for each track: the row of its vertex in this list or NONE, and its weight there, (total,).
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
        """(n,) in GeV."""
        energy, size = self.momentum[:, 3], (self.momentum[:, :3] ** 2).sum(axis=1)
        return np.sqrt(np.maximum(energy**2 - size, 0.0))

    @property
    def length(self) -> np.ndarray:
        """Of the flight, (n,) in mm."""
        return np.sqrt((self.flight**2).sum(axis=1))
