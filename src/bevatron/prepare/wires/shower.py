"""What separates an electron from a photon: the ionisation at a shower's start, and the distance before it."""

import numpy as np

RADIUS = 1.0  # cm around the axis
FEATURES, UNITS = ("dedx", "conversion"), ("MeV/cm", "cm")


def measure_shower_start(
    segments: np.ndarray, primary: np.ndarray, first: np.ndarray, conversion: float, length: float
) -> np.ndarray:
    """(2,) float32: mean dE/dx along the first `length` cm of an event's first primary, by its true axis, and the
    distance of a photon to its conversion; zeros where there is none.

    segments (n, 9); primary (n,): rank of each segment's primary; first (8,): position, time, momentum and energy of
    the first primary; conversion: cm, negative where there is none.
    """
    momentum = first[4:7].astype(np.float64)
    axis = momentum / np.linalg.norm(momentum)
    start = first[:3] + max(conversion, 0.0) * axis
    own = segments[primary == 0]
    away = (own[:, :3] + own[:, 3:6]) / 2 - start
    along = away @ axis
    across = np.linalg.norm(away - along[:, None] * axis, axis=1)
    near = (along >= 0) & (along < length) & (across < RADIUS)
    return np.array([own[near, 7].sum() / length, max(conversion, 0.0)], np.float32)
