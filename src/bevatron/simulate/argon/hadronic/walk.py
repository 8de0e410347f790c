"""The particles under way inside a nucleus: the rows that a cascade works off. Compiled; fm and MeV.

Each row is a pion, a nucleon or a light nucleus. Its kinetic energy is the one that it will have far outside; inside
the well it is higher by the well's depth for each nucleon. So the sum over all of them changes by what is given to
nucleons in the well, and by rest energy, alone: that is how energy is conserved exactly.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import NUCLEON_MASS, SEPARATION
from bevatron.simulate.argon.hadronic.nucleus import well

# Columns: nucleons (0 of a pion), charge, kinetic energy outside, direction, position.
SIZE, CHARGE, KINETIC, UX, UY, UZ, X, Y, Z = range(9)
COLUMNS, ROWS = 9, 64
PION_MASS, PION_ZERO_MASS = 139.57039, 134.9768
PROTON, NEUTRON = 2212, 2112
# Binding energy of light nuclei of 0 to 4 nucleons (AME 2020): d; t, as ³He is only 0.8 MeV from it; α.
BINDING = np.array([0.0, 0.0, 2.225, 8.482, 28.296])
FIRST_NUCLEUS = 1_000_000_000
BARRIER_PER_CHARGE = 4.0  # MeV: Coulomb barrier


@compiled
def size_of(pdg):
    """Nucleons of a particle that a nucleus sends out; 0 of pions and photons."""
    if pdg in (PROTON, NEUTRON):
        return 1
    return pdg // 10 % 1000 if pdg > FIRST_NUCLEUS else 0


@compiled
def separation(size):
    """What it costs a nucleus to lose a nucleon or light nucleus."""
    return size * SEPARATION - BINDING[size]


@compiled
def rest_mass(size, charge):
    """MeV."""
    if size == 0:
        return PION_ZERO_MASS if charge == 0 else PION_MASS
    return size * NUCLEON_MASS - BINDING[size]


@compiled
def code_of(size, charge):
    """PDG code."""
    if size == 0:
        return 111 if charge == 0 else 211 * charge
    if size == 1:
        return PROTON if charge == 1 else NEUTRON
    return FIRST_NUCLEUS + charge * 10000 + size * 10


@compiled
def set_four_vector(row, bin_, vector):
    """The four-momentum that a row has in the well at a radius."""
    size = int(row[SIZE])
    mass = rest_mass(size, int(row[CHARGE]))
    kinetic = row[KINETIC] + size * well(bin_)
    momentum = math.sqrt(max(kinetic * (kinetic + 2.0 * mass), 0.0))
    vector[0] = mass + kinetic
    for k in range(3):
        vector[k + 1] = momentum * row[UX + k]


@compiled
def put(walk, waiting, size, charge, vector, bin_, row):
    """Puts a particle of this four-momentum at the place of `row` among the waiting ones; returns their number.

    One that has not the energy to leave the nucleus stays in it, and is part of the excitation.
    """
    mass = rest_mass(size, charge)
    kinetic = vector[0] - mass - size * well(bin_)
    momentum = math.sqrt(vector[1] ** 2 + vector[2] ** 2 + vector[3] ** 2)
    if kinetic <= (BARRIER_PER_CHARGE * charge if size > 0 else 0.0) or momentum <= 0.0 or waiting >= ROWS:
        return waiting
    walk[waiting, SIZE], walk[waiting, CHARGE], walk[waiting, KINETIC] = size, charge, kinetic
    for k in range(3):
        walk[waiting, UX + k] = vector[k + 1] / momentum
        walk[waiting, X + k] = row[X + k]
    return waiting + 1


@compiled
def start(walk, size, charge, kinetic, direction, point):
    """The first row: a particle at a place, inside the nucleus or at its edge."""
    put_at(walk, 0, size, charge, kinetic, direction, point)
    return 1


@compiled
def put_at(walk, at, size, charge, kinetic, direction, point):
    """Fills row `at`."""
    walk[at, SIZE], walk[at, CHARGE], walk[at, KINETIC] = size, charge, kinetic
    for k in range(3):
        walk[at, UX + k], walk[at, X + k] = direction[k], point[k]
