"""The Δ(1232) that a nucleon becomes where a further pion is made. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import NUCLEON_MASS

MASS, WIDTH, HEAVIEST = 1232.0, 117.0, 1600.0  # MeV
LIGHTEST = NUCLEON_MASS + 139.57039 + 1.0


@compiled
def sample_delta_mass(maximum):
    """From a Breit-Wigner between the threshold of πN and what the energy allows, MeV; 0 where it allows none."""
    high = min(maximum, HEAVIEST)
    if high <= LIGHTEST:
        return 0.0
    a, b = math.atan(2.0 * (LIGHTEST - MASS) / WIDTH), math.atan(2.0 * (high - MASS) / WIDTH)
    return MASS + 0.5 * WIDTH * math.tan(a + (b - a) * np.random.random())


@compiled
def decay_delta(charge):
    """Whether the nucleon is a proton, and the pion's charge: squares of Clebsch-Gordan coefficients."""
    if charge == 2:
        return True, 1
    if charge == -1:
        return False, -1
    neutral = np.random.random() < 2.0 / 3.0
    if charge == 1:
        return neutral, 0 if neutral else 1
    return not neutral, 0 if neutral else -1
