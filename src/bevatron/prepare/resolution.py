"""Resolution of impact parameters, as ATLAS's inner detector was designed to have it."""

from dataclasses import dataclass

import numpy as np

# ATLAS Collaboration, JINST 3 (2008) S08003, table of the expected track-parameter resolutions (rms):
# σ(pt) = a (1 ⊕ b / pt), for 0.25 < |eta| < 0.50 and 1.50 < |eta| < 1.75, quoted here at the bins' centres.
ETA = (0.375, 1.625)
D0 = {"a": (0.010, 0.012), "b": (14.0, 20.0)}  # mm, GeV
Z0_SINE = {"a": (0.091, 0.071), "b": (2.3, 3.7)}  # mm, GeV


@dataclass(frozen=True)
class Resolution:
    """Standard deviations (n,) of d0 and z0, in mm."""

    d0: np.ndarray
    z0: np.ndarray


def resolution(pt: np.ndarray, eta: np.ndarray, scale: float = 1.0) -> Resolution:
    """σ(d0) = a sqrt(1 + (b / pt)²), σ(z0) = the same form for z0 sin θ, divided by sin θ; pt (n,) in GeV.

    a and b are interpolated linearly in |eta| between the two published bins and constant beyond them.
    `scale` multiplies both: above 1 for a poorer detector.
    """
    distance = np.abs(eta)

    def published(table: dict) -> np.ndarray:
        a, b = (np.interp(distance, ETA, table[name]) for name in ("a", "b"))
        return scale * a * np.hypot(1.0, b / pt)

    return Resolution(published(D0), published(Z0_SINE) * np.cosh(eta))  # 1 / sin θ = cosh eta
