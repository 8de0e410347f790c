"""The argon nucleus that a cascade runs through: its density, its well, and where nucleons are. Compiled; fm and MeV.

Two-parameter Fermi density of ⁴⁰Ar: half-density radius 3.53 fm, diffuseness 0.542 fm (H. de Vries, C. W. de Jager and
C. de Vries, At. Data Nucl. Data Tables 36 (1987) 495: charge; neutrons are taken to be spread as protons). At each
radius nucleons fill a Fermi sphere of the local density, in a well that is one separation energy deeper.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import NUCLEON_MASS, SEPARATION, sample_unit_vector

MASS_NUMBER, PROTON_FRACTION = 40, 18.0 / 40.0
HALF_RADIUS, DIFFUSENESS = 3.53, 0.542
EDGE = 8.0  # fm: beyond it there are 0.06 nucleons, which are left out
HBARC = 197.3269804  # MeV fm
BINS_PER_FM = 50.0
BINS = int(EDGE * BINS_PER_FM) + 1

_RADIUS = (np.arange(BINS) + 0.5) / BINS_PER_FM
_SHAPE = 1.0 / (1.0 + np.exp((_RADIUS - HALF_RADIUS) / DIFFUSENESS))
DENSITY = MASS_NUMBER * _SHAPE / (4.0 * math.pi * (_SHAPE * _RADIUS**2).sum() / BINS_PER_FM)  # 1/fm³
CENTRAL = float(DENSITY[0])
# Kinetic energy (MeV) and momentum (MeV/c) of the highest nucleon at each radius.
FERMI_MOMENTUM = HBARC * (1.5 * math.pi**2 * DENSITY) ** (1.0 / 3.0)
FERMI_ENERGY = np.sqrt(NUCLEON_MASS**2 + FERMI_MOMENTUM**2) - NUCLEON_MASS
# Chances that a nucleon, and a pair of them, lies within a radius; and the same for pions in the 3d orbit from which
# argon absorbs them, whose wave function rises as r² inside the nucleus.
WITHIN = np.cumsum(DENSITY * _RADIUS**2) / (DENSITY * _RADIUS**2).sum()
PAIRS_WITHIN = np.cumsum(DENSITY**2 * _RADIUS**2) / (DENSITY**2 * _RADIUS**2).sum()
ORBIT_WITHIN = np.cumsum(DENSITY**2 * _RADIUS**6) / (DENSITY**2 * _RADIUS**6).sum()
NUCLEONS, PAIRS, ORBIT = range(3)
_WITHIN = np.stack([WITHIN, PAIRS_WITHIN, ORBIT_WITHIN])


@compiled
def shell(x, y, z):
    """The bin of a point's radius; -1 outside the nucleus."""
    at = int(math.sqrt(x * x + y * y + z * z) * BINS_PER_FM)
    return at if at < BINS - 1 else -1


@compiled
def well(bin_):
    """Depth of the potential: what a nucleon's kinetic energy is higher by than far outside."""
    return FERMI_ENERGY[bin_] + SEPARATION


@compiled
def sample_nucleon_in(bin_, nucleon):
    """Draws a nucleon of the Fermi sphere at this radius, on its mass shell."""
    direction = np.empty(3)
    sample_unit_vector(direction)
    momentum = FERMI_MOMENTUM[bin_] * np.random.random() ** (1.0 / 3.0)
    nucleon[0] = math.sqrt(NUCLEON_MASS**2 + momentum**2)
    for k in range(3):
        nucleon[k + 1] = momentum * direction[k]


@compiled
def sample_point(weight, point):
    """Draws a place in the nucleus: where NUCLEONS, or PAIRS, are, or where a pion in its ORBIT meets pairs."""
    direction = np.empty(3)
    sample_unit_vector(direction)
    u, low, high = np.random.random(), 0, BINS - 1
    while low < high:
        middle = (low + high) // 2
        if _WITHIN[weight, middle] < u:
            low = middle + 1
        else:
            high = middle
    radius = min((low + np.random.random()) / BINS_PER_FM, EDGE - 2.0 / BINS_PER_FM)
    for k in range(3):
        point[k] = radius * direction[k]


@compiled
def sample_entry(direction, point):
    """Draws where a particle that flies along `direction` enters the nucleus' edge; uniform over its cross-section."""
    across, length = np.empty(3), 0.0
    while length < 1e-12:
        sample_unit_vector(across)
        along = across[0] * direction[0] + across[1] * direction[1] + across[2] * direction[2]
        for k in range(3):
            across[k] -= along * direction[k]
        length = math.sqrt(across[0] ** 2 + across[1] ** 2 + across[2] ** 2)
    distance = (EDGE - 0.1) * math.sqrt(np.random.random())
    depth = math.sqrt((EDGE - 0.05) ** 2 - distance * distance)
    for k in range(3):
        point[k] = distance * across[k] / length - depth * direction[k]
