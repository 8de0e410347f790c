"""What a nucleus sends out once its energy is shared by all its nucleons: evaporation, then photons. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import SEPARATION, sample_unit_vector
from bevatron.simulate.argon.hadronic.walk import size_of

PROTON, NEUTRON, PHOTON, ALPHA = 2212, 2112, 22, 1000020040
TEMPERATURE = 2.5  # MeV, of a nucleus of A = 40 with some ten MeV of excitation
BARRIER = {"proton": 4.0, "alpha": 7.0}
PROTON_BARRIER, ALPHA_BARRIER = BARRIER["proton"], BARRIER["alpha"]
ALPHA_SEPARATION = 7.0
MAX_NUCLEONS = 36  # nucleons that leave, at most: the last ones are an α particle
MAX_FRAGMENTS = 40  # fragments, of the 64 rows there are


@compiled
def emit(out, n, pdg, kinetic, direction):
    """A row for one particle; returns the number of rows."""
    if n >= MAX_FRAGMENTS or kinetic <= 0.0:
        return n
    out[n, 0], out[n, 1] = pdg, kinetic
    out[n, 2], out[n, 3], out[n, 4] = direction[0], direction[1], direction[2]
    return n + 1


@compiled
def evaporate(out, n, excitation):
    """Neutrons, protons and α particles of some MeV until too little is left, which goes out as photons; returns the
    number of rows and the energy that was spent on separation.

    V. Weisskopf, Phys. Rev. 52 (1937) 295: energies from E exp(-E/T), above the Coulomb barrier.
    """
    direction = np.empty(3)
    spent, nucleons = 0.0, 0
    for row in range(n):
        nucleons += size_of(int(out[row, 0]))
    while n < MAX_FRAGMENTS:
        kind = np.random.random()
        if kind < 0.6:
            pdg, barrier, cost = NEUTRON, 0.0, SEPARATION
        elif kind < 0.9:
            pdg, barrier, cost = PROTON, PROTON_BARRIER, SEPARATION
        else:
            pdg, barrier, cost = ALPHA, ALPHA_BARRIER, ALPHA_SEPARATION
        kinetic = barrier - TEMPERATURE * math.log(np.random.random() * np.random.random() + 1e-300)
        if excitation < cost + kinetic:
            break
        nucleons += size_of(pdg)
        if nucleons > MAX_NUCLEONS:
            return n, spent  # nothing is left that could be excited: the energy went into breaking it up
        sample_unit_vector(direction)
        n = emit(out, n, pdg, kinetic, direction)
        excitation -= cost + kinetic
        spent += cost
    while excitation > 1.0 and n < MAX_FRAGMENTS:
        energy = excitation if excitation < 3.0 else excitation * np.random.random()
        sample_unit_vector(direction)
        n = emit(out, n, PHOTON, energy, direction)
        excitation -= energy
    return n, spent
