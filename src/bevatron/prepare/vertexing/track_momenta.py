"""Sums of the momenta of tracks at their vertices."""

import numpy as np

from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.two_track_vertices import PION


def sum_momenta(tracks: Tracks, phi: np.ndarray, row: np.ndarray, n: int) -> np.ndarray:
    """The sums of (px, py, pz, E) over the tracks of each of n vertices, (n, 4) in GeV; all tracks are taken as pions.

    For each track: phi (total,), its azimuth at its vertex in rad; row (total,), its vertex, negative if it has none.
    """
    used = row >= 0
    theta, p = tracks.parameters[used, 3], 1 / np.abs(tracks.parameters[used, 4])
    pt, phi, row = p * np.sin(theta), phi[used], row[used]
    parts = (pt * np.cos(phi), pt * np.sin(phi), p * np.cos(theta), np.sqrt(p**2 + PION**2))
    return np.stack([np.bincount(row, part, minlength=n) for part in parts], axis=1).reshape(n, 4)
