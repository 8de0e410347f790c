"""Elastic scattering of pions and nucleons off a whole argon nucleus: a kink in a track. Compiled; MeV.

exp(-b |t|) with b = R²/4 of a black disc, R = 1.31 fm A^(1/3) = 4.47 fm: 5.0 fm², as in the Glauber amplitude from
which `nuclear_rates` takes how often it happens. At the Δ pions see a larger disc, 5.5 fm or 7.5 fm², by the optical
theorem b = σ_total²/(16π σ_elastic). The maxima behind the first minimum, a per cent of all, are left out.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import NUCLEON_MASS, sample_scattering_cosine

NUCLEUS_MASS = 39.9624 * 931.494  # MeV, ⁴⁰Ar
SLOPE = 5.0 / 197.3269804**2  # 1/MeV²
RESONANT_SLOPE, RESONANT = 7.5 / 197.3269804**2, 225.0  # of pions up to this kinetic energy, MeV


@compiled
def sample_elastic(mass, kinetic):
    """The kinetic energy that the nucleus takes, and the cosine of the particle's angle in the laboratory."""
    momentum2 = kinetic * (kinetic + 2.0 * mass)
    energy = kinetic + mass
    s = mass**2 + NUCLEUS_MASS**2 + 2.0 * energy * NUCLEUS_MASS
    centre2 = momentum2 * NUCLEUS_MASS**2 / s
    resonant = mass < 0.5 * NUCLEON_MASS and kinetic < RESONANT
    cosine = sample_scattering_cosine(RESONANT_SLOPE if resonant else SLOPE, False, 2.0 * centre2)
    t = 2.0 * centre2 * (1.0 - cosine)  # -t
    recoil = min(t / (2.0 * NUCLEUS_MASS), kinetic)
    after = kinetic - recoil
    after2 = after * (after + 2.0 * mass)
    if after2 <= 0.0:
        return recoil, 1.0
    # t = (p - p')² - (E - E')²
    lab = (momentum2 + after2 - t - recoil * recoil) / (2.0 * math.sqrt(momentum2 * after2))
    return recoil, min(max(lab, -1.0), 1.0)


@compiled
def is_elastic(elastic_rate, reaction_rate):
    """Whether a particle that met a nucleus left it as it was."""
    return np.random.random() * (elastic_rate + reaction_rate) < elastic_rate
