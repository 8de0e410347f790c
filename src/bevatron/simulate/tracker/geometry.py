"""Parallel layers of pixels in a magnetic field, and the spread of the tracks that cross them."""

from dataclasses import dataclass

import numpy as np

TESLA_METRE = 0.299792458  # pT [GeV] = 0.2998 B [T] R [m] of a particle with unit charge


@dataclass(frozen=True)
class Tracker:
    """Layers, windows of `size` × `size` square pixels around the same axis, and a bundle of tracks along it.

    spacing: between layers [mm]; pitch: a pixel's side [mm]; field: along the columns, so that tracks bend along the
    rows [T]; thickness: of a layer in radiation lengths; centre, offset: standard deviations of the bundle's centre
    about the axis and of a track about the bundle's centre, in the middle of the layers [mm]; angle: that of a track's
    slope [rad]; min_pt: of tracks, whose charge over pt is uniform from -1/min_pt to 1/min_pt [GeV].
    """

    layers: int
    size: int
    spacing: float
    pitch: float
    field: float
    thickness: float
    centre: float
    offset: float
    angle: float
    min_pt: float

    @property
    def depths(self) -> np.ndarray:
        """Distances of the layers from the middle of the detector, (layers,) [mm]."""
        return self.spacing * (np.arange(self.layers) - (self.layers - 1) / 2)

    @property
    def bending(self) -> float:
        """Ratio of pt to R, of a particle with unit charge [GeV/mm]."""
        return TESLA_METRE * self.field / 1000.0

    def scattering_angle(self, inverse_pt: np.ndarray) -> np.ndarray:
        """Standard deviation of a layer's deflection in each projection [rad]; inverse_pt: 1/pt [1/GeV], of β ≈ 1.

        Highland's formula (V. Highland, Nucl. Instrum. Meth. 129 (1975) 497; G. Lynch and O. Dahl, ibid. B 58 (1991)
        6), in which the momentum is the pt: tracks cross the layers nearly at right angles.
        """
        if self.thickness == 0.0:
            return np.zeros_like(inverse_pt)
        return 0.0136 * inverse_pt * np.sqrt(self.thickness) * (1.0 + 0.038 * np.log(self.thickness))
