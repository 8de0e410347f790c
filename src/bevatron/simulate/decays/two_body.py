"""Decays into two particles, in natural units: masses, energies and momenta in GeV.

A four-momentum is (..., 4): energy and the three components of the momentum.
"""

import numpy as np


def breit_wigner(mass: float, width: float, limits: tuple[float, float], quantile: np.ndarray) -> np.ndarray:
    """Masses at quantiles (n,) from 0 to 1 of a Breit-Wigner distribution that is cut at the limits [GeV].

    Its density is proportional to 1 / ((M - mass)² + width² / 4): a Cauchy distribution, the integral of which is an
    arctangent.
    """
    low, high = (np.arctan(2 * (limit - mass) / width) for limit in limits)
    return mass + width / 2 * np.tan(low + quantile * (high - low))


def momentum_at_rest(mass: np.ndarray, first: float, second: float) -> np.ndarray:
    """Momentum of both decay products, of masses `first` and `second`, where their parent (n,) is at rest [GeV].

    p* = sqrt((M² - (m₁ + m₂)²) (M² - (m₁ - m₂)²)) / 2 M; it does not exist for M < m₁ + m₂.
    """
    return np.sqrt((mass**2 - (first + second) ** 2) * (mass**2 - (first - second) ** 2)) / (2 * mass)


def isotropic(n: int, random: np.random.Generator) -> np.ndarray:
    """Unit vectors (n, 3), evenly over the sphere."""
    cosine, angle = random.uniform(-1.0, 1.0, n), random.uniform(0.0, 2 * np.pi, n)
    sine = np.sqrt(1.0 - cosine**2)
    return np.stack([sine * np.cos(angle), sine * np.sin(angle), cosine], axis=1)


def decay_at_rest(mass: np.ndarray, first: float, second: float, direction: np.ndarray) -> np.ndarray:
    """Four-momenta (n, 2, 4) of both products of parents at rest, back to back along `direction` (n, 3)."""
    momentum = momentum_at_rest(mass, first, second)[:, None] * direction
    energies = [np.sqrt((momentum**2).sum(1) + m**2) for m in (first, second)]
    return np.stack([np.column_stack([energies[0], momentum]), np.column_stack([energies[1], -momentum])], axis=1)


def boost(four_momenta: np.ndarray, direction: np.ndarray, rapidity: np.ndarray) -> np.ndarray:
    """Four-momenta (n, k, 4) of n events as seen where what was at rest moves along `direction` (n, 3) with `rapidity`
    (n,): E' = E cosh η + p∥ sinh η, p∥' = p∥ cosh η + E sinh η.
    """
    energy, momentum = four_momenta[..., 0], four_momenta[..., 1:]
    direction, cosh, sinh = direction[:, None], np.cosh(rapidity)[:, None], np.sinh(rapidity)[:, None]
    along = (momentum * direction).sum(-1)
    change = along * (cosh - 1.0) + energy * sinh
    return np.concatenate(
        [(energy * cosh + along * sinh)[..., None], momentum + change[..., None] * direction], axis=-1
    )


def invariant_mass(four_momenta: np.ndarray) -> np.ndarray:
    """Mass (n,) of the sum of k four-momenta (n, k, 4): sqrt((Σ E)² - |Σ p|²), 0 where rounding makes that negative."""
    total = four_momenta.sum(1)
    return np.sqrt(np.maximum(total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(1), 0.0))
