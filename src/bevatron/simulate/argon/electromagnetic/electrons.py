"""What electrons and positrons do besides losing energy steadily: δ-rays, bremsstrahlung, annihilation.

Rates per cm are functions of arrays of kinetic energies in MeV, from which the tables are made. Formulas: Møller,
Bhabha and Heitler, as the Geant4 Physics Reference Manual gives them; bremsstrahlung as in screening.py.
"""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.electromagnetic.screening import photon_spectrum
from bevatron.simulate.argon.tracking.material import (
    ELECTRON_MASS,
    ELECTRON_RADIUS,
    ELECTRONS,
    XI,
)

POINTS = 48  # of the integral over the photon's energy


def moller_rate(kinetic: np.ndarray, cut: float) -> np.ndarray:
    """Collisions of an electron that pass more than `cut` to the slower of the two."""
    gamma = 1 + kinetic / ELECTRON_MASS
    beta2 = 1 - gamma**-2
    x = np.minimum(cut / kinetic, 0.5)
    terms = ((gamma - 1) / gamma) ** 2 * (0.5 - x) + 1 / x - 1 / (1 - x)
    terms -= (2 * gamma - 1) / gamma**2 * np.log((1 - x) / x)
    return XI / ELECTRON_MASS / (beta2 * (gamma - 1)) * np.maximum(terms, 0.0)


def bhabha_rate(kinetic: np.ndarray, cut: float) -> np.ndarray:
    """Collisions of a positron that pass more than `cut`."""
    gamma = 1 + kinetic / ELECTRON_MASS
    beta2, x = 1 - gamma**-2, np.minimum(cut / kinetic, 1.0)
    b1, b2, b3, b4 = bhabha_terms(gamma)
    terms = (1 / x - 1) / beta2 + b1 * np.log(x) + b2 * (1 - x) - b3 / 2 * (1 - x**2) + b4 / 3 * (1 - x**3)
    return XI / ELECTRON_MASS / (gamma - 1) * np.maximum(terms, 0.0)


@compiled
def bhabha_terms(gamma):
    """B1 to B4 of Bhabha's cross-section."""
    y = 1 / (gamma + 1)
    b4 = (1 - 2 * y) ** 3
    return 2 - y**2, (1 - 2 * y) * (3 + y**2), (1 - 2 * y) ** 2 + b4, b4


def annihilation_rate(kinetic: np.ndarray) -> np.ndarray:
    """Annihilation in flight to two photons."""
    gamma = 1 + kinetic / ELECTRON_MASS
    root = np.sqrt(gamma**2 - 1)
    terms = (gamma**2 + 4 * gamma + 1) / (gamma**2 - 1) * np.log(gamma + root) - (gamma + 3) / root
    return ELECTRONS * np.pi * ELECTRON_RADIUS**2 / (gamma + 1) * terms


@compiled
def integrate_spectrum(photon, weights, kinetic):
    """The spectrum's values at `photon` (n,), times weights (n,), summed."""
    total = 0.0
    for i in range(len(photon)):
        total += weights[i] * photon_spectrum(photon[i], kinetic)
    return total


def bremsstrahlung_rate(kinetic: np.ndarray, cut: float) -> np.ndarray:
    """Photons above `cut` per cm."""
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    half = np.log(np.maximum(kinetic / cut, 1.0)) / 2  # of the way in log photon energy
    return np.array(
        [integrate_spectrum(cut * np.exp(h * (nodes + 1)), weights * h, t) for h, t in zip(half, kinetic, strict=True)]
    )


def radiative_loss(kinetic: np.ndarray, cut: float = np.inf) -> np.ndarray:
    """Energy that goes to photons below `cut`, MeV/cm."""
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    half = np.minimum(cut, kinetic) / 2
    return np.array([integrate_spectrum(h * (nodes + 1), weights * h, t) for h, t in zip(half, kinetic, strict=True)])
