"""Published resolutions of a track's five parameters: ATLAS's inner detector as it was designed."""

import numpy as np

# ATLAS Collaboration, JINST 3 (2008) S08003, expected track-parameter resolutions (rms) of pions, for
# 0.25 < |eta| < 0.50 and 1.50 < |eta| < 1.75, quoted here at the bins' centres: σ(pt) = a (1 ⊕ b / pt), b in GeV.
ETA = (0.375, 1.625)
PUBLISHED = {
    "d0": {"a": (0.010, 0.012), "b": (14.0, 20.0)},  # mm
    "z0_sin_theta": {"a": (0.091, 0.071), "b": (2.3, 3.7)},  # mm
    "phi": {"a": (70e-6, 92e-6), "b": (39.0, 49.0)},  # rad
    "cot_theta": {"a": (0.7e-3, 1.2e-3), "b": (5.0, 10.0)},
    "q_over_pt": {"a": (0.34e-3, 0.41e-3), "b": (44.0, 80.0)},  # 1/GeV
}


def resolution_terms() -> tuple[np.ndarray, np.ndarray]:
    """What is added in quadrature: a (2, 5), and a b (2, 5) which is divided by pt, for the two bins in eta."""
    a = np.array([table["a"] for table in PUBLISHED.values()]).T
    b = np.array([table["b"] for table in PUBLISHED.values()]).T
    return np.ascontiguousarray(a), np.ascontiguousarray(a * b)
