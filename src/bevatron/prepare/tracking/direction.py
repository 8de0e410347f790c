"""Angles around the beam."""

import numpy as np


def delta_phi(phi: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Phi - reference, within [-π, π)."""
    return np.remainder(phi - reference + np.pi, 2 * np.pi) - np.pi
