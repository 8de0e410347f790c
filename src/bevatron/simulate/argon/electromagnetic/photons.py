"""Rates of what photons do, per cm, as functions of arrays of photon energies in MeV.

Compton scattering: Klein and Nishina, free electrons. Pairs: the fit to Hubbell, Gimm and Øverbø's cross-sections that
Geant4's Bethe-Heitler model uses (Physics Reference Manual, "Gamma conversion", good to 5 % from 1.5 MeV to 100 GeV;
triplets are within). Photo-electric effect: a power law through the NIST values of argon above its K edge (3.2 keV),
good to 10 % up to 200 keV, beyond which it hardly counts. Coherent scattering, which leaves no energy, is left out.
"""

import numpy as np

from bevatron.simulate.argon.tracking.material import ATOMS, DENSITY, ELECTRON_MASS, ELECTRON_RADIUS, ELECTRONS, Z

PAIR_FIT = (
    (8.7842e2, -1.9625e3, 1.2949e3, -2.0028e2, 1.2575e1, -2.8333e-1),
    (-1.0342e1, 1.7692e1, -8.2381, 1.3063, -9.0815e-2, 2.3586e-3),
    (-4.5263e2, 1.1161e3, -8.6749e2, 2.1773e2, -2.0467e1, 6.5372e-1),
)
MICROBARN = 1e-30  # cm²
PAIR_FIT_FROM = 1.5  # MeV
PAIR_FIT_TO = 1e5
PHOTO_AT_10_KEV, PHOTO_SLOPE = 61.6, 3.07  # cm²/g


def compton_rate(photon: np.ndarray) -> np.ndarray:
    """Compton scatterings per cm, at photon energies (n,) MeV."""
    a = photon / ELECTRON_MASS
    b = 1 + 2 * a
    near = (1 + a) / a**2 * (2 * (1 + a) / b - np.log(b) / a) + np.log(b) / (2 * a) - (1 + 3 * a) / b**2
    near = np.where(a < 1e-2, 4 / 3 * (1 - 2 * a), near)  # Thomson's limit, where the terms cancel
    return ELECTRONS * 2 * np.pi * ELECTRON_RADIUS**2 * near


def pair_rate(photon: np.ndarray) -> np.ndarray:
    """Pairs made per cm, at photon energies (n,) MeV; zero below the threshold of 1.022 MeV."""
    x = np.log(np.clip(photon, PAIR_FIT_FROM, PAIR_FIT_TO) / ELECTRON_MASS)
    first, second, third = (np.polynomial.polynomial.polyval(x, terms) for terms in PAIR_FIT)
    atom = Z * (Z + 1) * (first + second * Z + third / Z) * MICROBARN
    threshold = 2 * ELECTRON_MASS
    near = np.clip((photon - threshold) / (PAIR_FIT_FROM - threshold), 0.0, 1.0) ** 2
    return ATOMS * np.maximum(atom, 0.0) * near


def photoelectric_rate(photon: np.ndarray) -> np.ndarray:
    """Photo-electric absorptions per cm, at photon energies (n,) MeV."""
    return DENSITY * PHOTO_AT_10_KEV * (photon / 0.01) ** -PHOTO_SLOPE
