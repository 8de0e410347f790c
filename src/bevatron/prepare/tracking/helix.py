"""The five parameters of charged particles' tracks in a solenoid's field, by exact helices."""

from dataclasses import dataclass

import numpy as np

CURVATURE = 0.299792458e-3  # GeV / (T mm): a charge e in 1 T bends with radius pt / CURVATURE


@dataclass(frozen=True)
class Perigee:
    """The point of each helix nearest to the z axis, and the direction there.

    d0 (n,) in mm, z0 (n,) in mm, phi (n,) in rad, in the convention of ATLAS: the point is
    (-d0 sin phi, d0 cos phi, z0), so d0 > 0 where the track passes with the axis on its right, seen from
    +z. theta (n,) in rad from +z, and q_over_p (n,) in e/GeV, are the same all along the helix.
    """

    d0: np.ndarray
    z0: np.ndarray
    phi: np.ndarray
    theta: np.ndarray
    q_over_p: np.ndarray

    @property
    def parameters(self) -> np.ndarray:
        """(n, 5) in the order above."""
        return np.stack([self.d0, self.z0, self.phi, self.theta, self.q_over_p], axis=1)


def perigee(momentum: np.ndarray, vertex: np.ndarray, charge: np.ndarray, field: float) -> Perigee:
    """Helices through `vertex` (n, 3) in mm with `momentum` (n, 3) in GeV there, `charge` (n,) in e; `field`
    in T along z. pt must be above 0.

    In the transverse plane a positive charge turns clockwise: phi(s) = phi - κ s with κ = CURVATURE q B / pt
    (1/mm) and s the transverse path (mm). With Δ = x sin phi - y cos phi, L = x cos phi + y sin phi and
    r² = x² + y²,

      d0 = -(2 Δ + κ r²) / (1 + sqrt(1 + 2 κ Δ + κ² r²)),
      κ s = atan2(κ L, 1 + κ Δ), z0 = z - s pz / pt, phi at the perigee = phi + κ s,

    in which nothing cancels when κ → 0, the straight line.
    """
    momentum, vertex = np.asarray(momentum, np.float64), np.asarray(vertex, np.float64)
    px, py, pz = momentum.T
    x, y, z = vertex.T
    pt = np.hypot(px, py)
    cosine, sine = px / pt, py / pt
    charge = np.asarray(charge, np.float64)
    curvature = CURVATURE * charge * field / pt
    delta, along, radius_squared = x * sine - y * cosine, x * cosine + y * sine, x**2 + y**2
    root = np.sqrt(np.maximum(1 + 2 * curvature * delta + curvature**2 * radius_squared, 0.0))
    d0 = -(2 * delta + curvature * radius_squared) / (1 + root)
    turn = np.arctan2(curvature * along, 1 + curvature * delta)
    straight = np.abs(curvature) < 1e-300
    path = np.where(straight, along, turn / np.where(straight, 1.0, curvature))
    phi = np.remainder(np.arctan2(py, px) + turn + np.pi, 2 * np.pi) - np.pi
    return Perigee(d0, z - path * pz / pt, phi, np.arctan2(pt, pz), charge / np.hypot(pt, pz))


def lifetime_sign(d0: np.ndarray, phi: np.ndarray, jet_phi: np.ndarray) -> np.ndarray:
    """+1 where the track crosses the jet's axis in front of the collision (as decay products do), else -1.

    In front means on the side to which the jet flies: the perigee's point lies within 90° of the jet's
    direction, d0 · sin(phi_jet - phi) ≥ 0.
    """
    return np.where(d0 * np.sin(jet_phi - phi) >= 0.0, 1.0, -1.0)
