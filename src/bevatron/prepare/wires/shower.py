"""What tells an electron from a photon: the ionisation at a shower's start, and the way before it."""

import numpy as np

RADIUS = 1.0  # cm around the axis
FEATURES, UNITS = ("dedx", "conversion"), ("MeV/cm", "cm")


def start_of_shower(segments: np.ndarray, primary: np.ndarray, first: np.ndarray, conversion: float, length: float):
    """(2,) float32: mean dE/dx along the first `length` cm of an event's first primary, by its true axis, and the way
    of a photon to its conversion; zeros where there is none.

    segments (n, 9); primary (n,): rank of each segment's primary; first (8,): position, time, momentum and energy of
    the first primary; conversion: cm, negative where there is none.
    """
    momentum = first[4:7].astype(np.float64)
    axis = momentum / np.linalg.norm(momentum)
    start = first[:3] + max(conversion, 0.0) * axis
    mine = segments[primary == 0]
    away = (mine[:, :3] + mine[:, 3:6]) / 2 - start
    along = away @ axis
    across = np.linalg.norm(away - along[:, None] * axis, axis=1)
    near = (along >= 0) & (along < length) & (across < RADIUS)
    return np.array([mine[near, 7].sum() / length, max(conversion, 0.0)], np.float32)
