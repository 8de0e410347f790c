"""Collisions inside a nucleus, of the cascade's particles with its nucleons: what comes of them. Compiled; MeV.

Each takes `remaining` (mb), uniform up to the largest cross-section, and happens where that is less than its own.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.delta import decay_delta, sample_delta_mass
from bevatron.simulate.argon.hadronic.free_cross_sections import (
    laboratory_momentum,
    nucleon_nucleon,
    nucleon_slope,
    pion_nucleon,
    pion_on_pair,
)
from bevatron.simulate.argon.hadronic.nuclear_kinematics import NUCLEON_MASS, scatter_two_bodies
from bevatron.simulate.argon.hadronic.nucleus import FERMI_ENERGY, PROTON_FRACTION, sample_nucleon_in, well
from bevatron.simulate.argon.hadronic.pion_absorption import absorb
from bevatron.simulate.argon.hadronic.walk import (
    BINDING,
    CHARGE,
    KINETIC,
    SIZE,
    UX,
    put,
    rest_mass,
    set_four_vector,
)

# Absorption for each nucleon at the centre, in units of that of a deuteron: from argon's 393 ± 21, 366 ± 22 and 282 ±
# 21 mb at 118, 162 and 239 MeV (D. C. Rowntree, PhD thesis, MIT (1995)) by least squares, and from nothing else.
PAIRS = 9.0
SLOPE, HARD = 6e-6, 500.0  # 1/MeV² of pions elastic scattering above this kinetic energy, MeV; below it the Δ's shape
LEAVES, COLLIDES = 0, 1


@compiled
def try_nucleon(row, bin_, remaining, walk, waiting, target):
    """A nucleon meets another one, if `remaining` (mb) is less than their cross-section and Pauli permits it."""
    vector = np.empty(4)
    is_proton, struck_proton = row[CHARGE] == 1, np.random.random() < PROTON_FRACTION
    alike = is_proton == struck_proton
    set_four_vector(row, bin_, vector)
    sample_nucleon_in(bin_, target)
    momentum = laboratory_momentum(square_of(vector, target))
    total, elastic = nucleon_nucleon(momentum, alike)
    if remaining > total:
        return LEAVES, waiting, 0.0
    if np.random.random() * total > elastic:
        return produce(row, bin_, struck_proton, walk, waiting, vector, target)
    slope, backward = nucleon_slope(momentum, alike)
    scatter_two_bodies(vector, target, NUCLEON_MASS, NUCLEON_MASS, slope, False)
    if min(vector[0], target[0]) - NUCLEON_MASS <= FERMI_ENERGY[bin_]:
        return LEAVES, waiting, 0.0
    if np.random.random() < backward:
        is_proton, struck_proton = struck_proton, is_proton
    waiting = put(walk, waiting, 1, int(is_proton), vector, bin_, row)
    return COLLIDES, put(walk, waiting, 1, int(struck_proton), target, bin_, row), 0.0


@compiled
def try_pion(row, bin_, density, remaining, walk, waiting, target, sections):
    """A pion meets a nucleon, or a pair of them, as `try_nucleon`."""
    pair = PAIRS * density * pion_on_pair(row[KINETIC])
    if remaining < pair:
        charge = int(row[CHARGE])
        return COLLIDES, absorb(row, bin_, walk, waiting), -rest_mass(0, charge)
    remaining -= pair
    charge, struck_proton = int(row[CHARGE]), np.random.random() < PROTON_FRACTION
    vector = np.empty(4)
    set_four_vector(row, bin_, vector)
    sample_nucleon_in(bin_, target)
    pion_nucleon(math.sqrt(square_of(vector, target)), charge, struck_proton, sections)
    if remaining > sections[0] + sections[1] + sections[2]:
        return LEAVES, waiting, 0.0
    if remaining > sections[0] + sections[1]:
        return produce(row, bin_, struck_proton, walk, waiting, vector, target)
    after, mass = charge, rest_mass(0, charge)
    if remaining > sections[0]:
        after = 0 if charge != 0 else 1 if struck_proton else -1
    slope = SLOPE if row[KINETIC] > HARD else 0.0
    if not scatter_two_bodies(vector, target, rest_mass(0, after), NUCLEON_MASS, slope, row[KINETIC] < HARD):
        return LEAVES, waiting, 0.0
    if target[0] - NUCLEON_MASS <= FERMI_ENERGY[bin_]:
        return LEAVES, waiting, 0.0
    before = waiting
    waiting = put(walk, waiting, 0, after, vector, bin_, row)
    if waiting == before:
        return LEAVES, waiting, 0.0
    waiting = put(walk, waiting, 1, int(struck_proton) + charge - after, target, bin_, row)
    return COLLIDES, waiting, rest_mass(0, after) - mass


@compiled
def produce(row, bin_, struck_proton, walk, waiting, vector, target):
    """A further pion: one of the two nucleons, or the one that a pion struck, becomes a Δ, which decays at once."""
    size, charge = int(row[SIZE]), int(row[CHARGE])
    mass = rest_mass(size, charge)
    heavy = sample_delta_mass(math.sqrt(square_of(vector, target)) - mass)
    if heavy <= 0.0 or not scatter_two_bodies(vector, target, mass, heavy, SLOPE, False):
        return LEAVES, waiting, 0.0
    delta_charge = int(struck_proton)
    if size == 1:
        if charge == delta_charge:  # pp → n Δ⁺⁺ three times as often as p Δ⁺
            moved = np.random.random() < 0.75
            if moved:
                delta_charge, charge = (2, 0) if charge == 1 else (-1, 1)
        elif np.random.random() < 0.5:
            charge, delta_charge = delta_charge, charge
    is_proton, pion_charge = decay_delta(delta_charge)
    pion = np.zeros(4)
    if not scatter_two_bodies(target, pion, NUCLEON_MASS, rest_mass(0, pion_charge), 0.0, False):
        return LEAVES, waiting, 0.0
    slowest = target[0] if size == 0 else min(target[0], vector[0])
    if slowest - NUCLEON_MASS <= FERMI_ENERGY[bin_]:
        return LEAVES, waiting, 0.0
    before = waiting
    waiting = put(walk, waiting, 0, pion_charge, pion, bin_, row)
    if waiting == before:
        return LEAVES, waiting, 0.0
    waiting = put(walk, waiting, size, charge, vector, bin_, row)
    waiting = put(walk, waiting, 1, int(is_proton), target, bin_, row)
    return COLLIDES, waiting, rest_mass(0, pion_charge)


@compiled
def break_up(row, bin_, walk, waiting):
    """A light nucleus falls into its nucleons, which fly on side by side."""
    size, charge = int(row[SIZE]), int(row[CHARGE])
    kinetic = (row[KINETIC] + size * well(bin_) - BINDING[size]) / size
    momentum = math.sqrt(max(kinetic * (kinetic + 2.0 * NUCLEON_MASS), 0.0))
    vector = np.empty(4)
    vector[0] = NUCLEON_MASS + kinetic
    for k in range(3):
        vector[k + 1] = momentum * row[UX + k]
    for nucleon in range(size):
        waiting = put(walk, waiting, 1, 1 if nucleon < charge else 0, vector, bin_, row)
    return waiting


@compiled
def square_of(first, second):
    """The square of the mass of two particles together, MeV²."""
    total = (first[0] + second[0]) ** 2
    for k in range(1, 4):
        total -= (first[k] + second[k]) ** 2
    return total
