"""What a nucleus sends out after a collision: nucleons that leave the well, then evaporation and photons. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import (
    FERMI_ENERGY,
    NUCLEON_MASS,
    SEPARATION,
    WELL,
    sample_nucleon,
    sample_unit_vector,
    scatter_two_bodies,
)

PROTON, NEUTRON, PHOTON, ALPHA = 2212, 2112, 22, 1000020040
RESCATTERING = 0.5  # chance that a fast nucleon hits another on its way out: some fm of a mean free path of 3 to 5 fm
TEMPERATURE = 2.5  # MeV, of a nucleus of A = 40 with some ten MeV of excitation
BARRIER = {"proton": 4.0, "alpha": 7.0}
PROTON_BARRIER, ALPHA_BARRIER = BARRIER["proton"], BARRIER["alpha"]
ALPHA_SEPARATION = 7.0
PROTON_FRACTION = 18.0 / 40.0
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
def emit_along(out, n, pdg, kinetic, vector, momentum):
    """As `emit`, in the direction of a four-vector with this momentum."""
    if n >= MAX_FRAGMENTS or kinetic <= 0.0:
        return n
    out[n, 0], out[n, 1] = pdg, kinetic
    for k in range(3):
        out[n, 2 + k] = vector[1 + k] / momentum
    return n + 1


@compiled
def leave_well(out, n, pdg, nucleon, again):
    """A nucleon with four-momentum `nucleon` inside the well leaves it, perhaps after hitting another one; returns the
    number of rows. What cannot climb out of the well stays as excitation.
    """
    if again and np.random.random() < RESCATTERING:
        other, fast = np.empty(4), np.empty(4)
        for k in range(4):
            fast[k] = nucleon[k]
        sample_nucleon(other)
        scatter_two_bodies(fast, other, NUCLEON_MASS, NUCLEON_MASS, 0.0, False)
        allowed = min(fast[0], other[0]) - NUCLEON_MASS > FERMI_ENERGY  # Pauli
        if allowed:
            code = PROTON if np.random.random() < PROTON_FRACTION else NEUTRON
            n = leave_well_directly(out, n, code, other)
            return leave_well_directly(out, n, pdg, fast)
    return leave_well_directly(out, n, pdg, nucleon)


@compiled
def leave_well_directly(out, n, pdg, nucleon):
    """A nucleon leaves the well as it is, if it can; returns the number of rows."""
    kinetic = nucleon[0] - NUCLEON_MASS - WELL
    lowest = PROTON_BARRIER if pdg == PROTON else 0.0
    if kinetic <= lowest:
        return n
    momentum = math.sqrt(nucleon[1] ** 2 + nucleon[2] ** 2 + nucleon[3] ** 2)
    return emit_along(out, n, pdg, kinetic, nucleon, momentum)


@compiled
def evaporate(out, n, excitation):
    """Neutrons, protons and α particles of some MeV until too little is left, which goes out as photons; returns the
    number of rows and the energy that was spent on separation.

    V. Weisskopf, Phys. Rev. 52 (1937) 295: energies from E exp(-E/T), above the Coulomb barrier.
    """
    direction = np.empty(3)
    spent = 0.0
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
