"""Decays of muons and pions, at rest and in flight. Compiled; energies in MeV.

Michel's spectrum without polarisation, radiative corrections or the electron's mass in its shape: dN/dx = x² (6 - 4x),
x the electron's total energy over its most, 52.83 MeV (PDG review, muon decay parameters). Neutrinos' energy goes to
`neutral`.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.deposit_class import MICHEL
from bevatron.simulate.argon.tracking.directions import boost_to_laboratory, rotate
from bevatron.simulate.argon.tracking.material import ELECTRON_MASS
from bevatron.simulate.argon.tracking.particles import (
    ANTIMUON,
    ELECTRON,
    MUON,
    MUON_MASS,
    PHOTON,
    PION_MASS,
    PION_ZERO_MASS,
    POSITRON,
)
from bevatron.simulate.argon.tracking.stack import CLASS, EVENT, KINETIC, MASS, NEUTRAL, PDG, UX, UY, UZ, WAITING, push

MICHEL_ENDPOINT = (MUON_MASS**2 + ELECTRON_MASS**2) / (2 * MUON_MASS)
PION_TO_MUON = (PION_MASS - MUON_MASS) ** 2 / (2 * PION_MASS)  # kinetic energy of the muon, 4.12 MeV


@compiled
def sample_michel():
    """The electron's kinetic energy in the muon's frame."""
    while True:
        x = np.random.random()
        if np.random.random() < x * x * (3.0 - 2.0 * x) and x * MICHEL_ENDPOINT > ELECTRON_MASS:
            return x * MICHEL_ENDPOINT - ELECTRON_MASS


@compiled
def decay(particle, mass, work):
    """A muon to an electron and neutrinos, or a charged pion to a muon and a neutrino; isotropic in its own frame."""
    if mass == MUON_MASS:
        child, child_mass, kinetic = ELECTRON if particle[PDG] == MUON else POSITRON, ELECTRON_MASS, sample_michel()
    else:
        child, child_mass, kinetic = MUON if particle[PDG] < 0 else ANTIMUON, MUON_MASS, PION_TO_MUON
    gamma = 1.0 + particle[KINETIC] / mass
    lab_kinetic, cosine = boost_to_laboratory(gamma, child_mass, kinetic, 2.0 * np.random.random() - 1.0)
    phi = 2.0 * math.pi * np.random.random()
    vx, vy, vz = rotate(particle[UX], particle[UY], particle[UZ], cosine, phi)
    push(work.stack, work.counts, particle, child, lab_kinetic, vx, vy, vz)
    if mass == MUON_MASS:
        work.stack[work.counts[WAITING] - 1, CLASS] = MICHEL
    budget = work.budget[work.counts[EVENT]]
    budget[NEUTRAL] += particle[KINETIC] + mass - lab_kinetic - child_mass
    budget[MASS] += child_mass - mass


@compiled
def decay_to_photons(particle, work):
    """A neutral pion, at once where it was made (its way is 25 nm)."""
    gamma = 1.0 + particle[KINETIC] / PION_ZERO_MASS
    along = 2.0 * np.random.random() - 1.0
    phi = 2.0 * math.pi * np.random.random()
    total, first = particle[KINETIC] + PION_ZERO_MASS, 0.0
    for side in range(2):
        lab_kinetic, cosine = boost_to_laboratory(gamma, 0.0, PION_ZERO_MASS / 2.0, along if side == 0 else -along)
        vx, vy, vz = rotate(particle[UX], particle[UY], particle[UZ], cosine, phi + side * math.pi)
        push(work.stack, work.counts, particle, PHOTON, lab_kinetic if side == 0 else total - first, vx, vy, vz)
        first = lab_kinetic
    work.budget[work.counts[EVENT], MASS] -= PION_ZERO_MASS
