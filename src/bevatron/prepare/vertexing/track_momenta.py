"""Sums of tracks' momenta at their vertices."""

import numpy as np

from bevatron.prepare.tracking.detector import Tracks
from bevatron.prepare.vertexing.vertex_finder import PION


def sum_momenta(tracks: Tracks, phi: np.ndarray, row: np.ndarray, n: int) -> np.ndarray:
    """(px, py, pz, E) in GeV of the tracks, all pions, at each of n vertices, (n, 4).

    Of each track: phi (total,), its azimuth at its vertex, and row (total,), the vertex, negative without one.
    """
    used = row >= 0
    theta, p = tracks.parameters[used, 3], 1 / np.abs(tracks.parameters[used, 4])
    pt, phi, row = p * np.sin(theta), phi[used], row[used]
    parts = (pt * np.cos(phi), pt * np.sin(phi), p * np.cos(theta), np.sqrt(p**2 + PION**2))
    return np.stack([np.bincount(row, part, minlength=n) for part in parts], axis=1).reshape(n, 4)
