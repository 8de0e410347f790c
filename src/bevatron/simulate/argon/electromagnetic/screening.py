"""Bremsstrahlung and pair production in the screened field of the atom (Bethe and Heitler).

Screening functions of Butcher and Messel (Nucl. Phys. 20 (1960) 15); the electrons' field counts as Z ξ (Tsai), and
the Coulomb correction from 50 MeV on, as in EGS4 (SLAC-265, sections 2.7.1 and 2.7.2).
"""

import math

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.material import (
    ATOMS,
    COULOMB,
    ELECTRON_MASS,
    ELECTRON_RADIUS,
    FINE_STRUCTURE,
    SCREENING,
    TRIPLETS,
    Z,
)

CORRECTED_FROM = 50.0  # MeV
FIELD = 4 / 3 * math.log(Z)
STRENGTH = ATOMS * FINE_STRUCTURE * ELECTRON_RADIUS**2 * Z * (Z + TRIPLETS)  # 1/cm


@compiled
def screening_functions(delta):
    """Φ1 and Φ2."""
    if delta > 1.0:
        far = 21.12 - 4.184 * math.log(delta + 0.952)
        return far, far
    return 20.867 - 3.242 * delta + 0.625 * delta * delta, 20.209 - 1.930 * delta - 0.086 * delta * delta


@compiled
def bremsstrahlung_terms(photon, kinetic):
    """What shapes k dσ/dk at a photon's energy k; it falls with k from 4/3 (Φ1 - ...) at 0 on."""
    energy = kinetic + ELECTRON_MASS
    y = photon / energy
    remaining = max(1.0 - y, 1e-12)
    first, second = screening_functions(SCREENING * ELECTRON_MASS / energy * y / remaining)
    field = FIELD + (4.0 * COULOMB if energy > CORRECTED_FROM else 0.0)
    return max(0.0, (1.0 + remaining * remaining) * (first - field) - 2.0 / 3.0 * remaining * (second - field))


@compiled
def photon_spectrum(photon, kinetic):
    """K dΣ/dk of bremsstrahlung, 1/cm, at a photon's energy k up to the electron's kinetic energy."""
    return STRENGTH * bremsstrahlung_terms(photon, kinetic)


@compiled
def pair_functions(delta, photon):
    """F1 = 3Φ1 - Φ2 and F2 = (3Φ1 + Φ2) / 2, less the nucleus' field: the two parts of the pairs' spectrum."""
    first, second = screening_functions(delta)
    field = 2.0 * FIELD + (8.0 * COULOMB if photon > CORRECTED_FROM else 0.0)
    return 3.0 * first - second - field, 1.5 * first + 0.5 * second - field
