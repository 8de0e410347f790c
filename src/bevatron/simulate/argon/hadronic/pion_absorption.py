"""Absorption of a pion on two, three or four nucleons, and what they become. Compiled; MeV.

Two nucleons share the pion's energy in most absorptions, and it takes no less than two. That a third one takes part was
seen on ³He: 3.9 ± 0.5 mb at 118 MeV spread as phase space (G. Backenstoss et al., Phys. Rev. Lett. 55 (1985) 2782) of
24.8 ± 2.1 mb in all (D. C. Rowntree, PhD thesis, MIT (1995)), a fifth of what its pairs absorb. In argon a pair has
more neighbours than one: with two, as in ⁴He, and taken once each, 1 : 0.4 : 0.1 for two, three and four nucleons. What
happens before and after, the pion's scattering and that of the nucleons, is the cascade's. How often three or four of
them leave as a nucleon and a deuteron, or with a triton or ³He, is an assumption: good to a factor of 1.5.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import boost, sample_unit_vector
from bevatron.simulate.argon.hadronic.nucleus import FERMI_ENERGY, PROTON_FRACTION, sample_nucleon_in
from bevatron.simulate.argon.hadronic.walk import CHARGE, put, rest_mass, set_four_vector

TWO, THREE = 1.0 / 1.5, 0.4 / 1.5  # the rest on four
# fraction of absorptions on a proton and a neutron (D. Ashery and J. P. Schiffer, ARNPS 36 (1986) 207); four to one is
# also what stopped π⁻ do in ⁴He (E. Daum et al., Nucl. Phys. A 589 (1995) 553)
UNLIKE_PAIRS = 0.8
WITH_DEUTERON, WITH_TRITON, TWO_DEUTERONS = 0.3, 0.15, 0.05  # of absorptions on three, or four; on four; on four
TRIES, LAST_TRIES = 30, 20


@compiled
def absorb(row, bin_, walk, waiting):
    """The pion `row` vanishes on nucleons at its radius, which join the walk; returns the number of waiting rows."""
    pion, nucleon, total = np.empty(4), np.empty(4), np.empty(4)
    sizes, charges, vectors = np.zeros(4, np.int64), np.zeros(4, np.int64), np.empty((4, 4))
    set_four_vector(row, bin_, pion)
    charge = int(row[CHARGE])
    kind = np.random.random()
    nucleons = 2 if kind < TWO else 3 if kind < TWO + THREE else 4
    protons = charge + sample_pair_charge(charge)
    for _ in range(nucleons - 2):
        if np.random.random() < PROTON_FRACTION:
            protons += 1
    bodies = split(nucleons, protons, sizes, charges)
    for attempt in range(TRIES):
        for k in range(4):
            total[k] = pion[k]
        for _ in range(nucleons):
            sample_nucleon_in(bin_, nucleon)
            for k in range(4):
                total[k] += nucleon[k]
        if not share(total, bodies, sizes, charges, vectors):
            continue
        allowed = True
        for body in range(bodies):
            inside = vectors[body, 0] - rest_mass(sizes[body], charges[body])
            if inside <= sizes[body] * FERMI_ENERGY[bin_]:
                allowed = attempt >= LAST_TRIES and allowed  # Pauli; what is not allowed in so many tries stays
        if allowed:
            break
    for body in range(bodies):
        waiting = put(walk, waiting, sizes[body], charges[body], vectors[body], bin_, row)
    return waiting


@compiled
def sample_pair_charge(charge):
    """Protons of the pair that absorbs a pion of this charge."""
    if np.random.random() < UNLIKE_PAIRS:
        return 1
    if charge == 0:
        return 2 if np.random.random() < 0.5 else 0
    return 0 if charge > 0 else 2


@compiled
def split(nucleons, protons, sizes, charges):
    """What the nucleons leave as: fills sizes and charges of the bodies, and returns their number."""
    neutrons, draw = nucleons - protons, np.random.random()
    bodies = 0
    if nucleons >= 3 and protons >= 1 and neutrons >= 1:
        if nucleons == 4 and draw < WITH_TRITON:
            sizes[0] = 3
            charges[0] = 2 if neutrons == 1 else 1 if protons == 1 else 1 + int(np.random.random() < 0.5)
            bodies = 1
        elif nucleons == 4 and protons == 2 and draw < WITH_TRITON + TWO_DEUTERONS:
            sizes[0], charges[0], sizes[1], charges[1] = 2, 1, 2, 1
            bodies = 2
        elif draw > 1.0 - WITH_DEUTERON:
            sizes[0], charges[0] = 2, 1
            bodies = 1
    for body in range(bodies):
        nucleons -= sizes[body]
        protons -= charges[body]
    for _ in range(nucleons):
        sizes[bodies] = 1
        charges[bodies] = 1 if protons > 0 else 0
        protons -= charges[bodies]
        bodies += 1
    return bodies


@compiled
def share(total, bodies, sizes, charges, vectors):
    """Four-momenta of `bodies` that share a total one, spread over phase space; False where there is not the energy.

    Drawn from the phase space of slow particles (Gaussian momenta of variance m, less their mean), then scaled to the
    energy as of fast ones: exact for two bodies.
    """
    s = total[0] ** 2 - total[1] ** 2 - total[2] ** 2 - total[3] ** 2
    root, masses, sum_mass = math.sqrt(max(s, 0.0)), np.empty(4), 0.0
    for body in range(bodies):
        masses[body] = rest_mass(sizes[body], charges[body])
        sum_mass += masses[body]
    if root <= sum_mass:
        return False
    velocity, drift = np.empty(3), np.zeros(3)
    for k in range(3):
        velocity[k] = total[k + 1] / total[0]
    if bodies == 2:
        direction = np.empty(3)
        sample_unit_vector(direction)
        for k in range(3):
            vectors[0, k + 1], vectors[1, k + 1] = direction[k], -direction[k]
    else:
        for body in range(bodies):
            for k in range(3):
                vectors[body, k + 1] = math.sqrt(masses[body]) * np.random.normal()
                drift[k] += vectors[body, k + 1]
        for body in range(bodies):
            for k in range(3):
                vectors[body, k + 1] -= drift[k] * masses[body] / sum_mass
    scale = scale_to(root, bodies, masses, vectors, sum_mass)
    vector = np.empty(4)
    for body in range(bodies):
        squared = 0.0
        for k in range(3):
            vector[k + 1] = scale * vectors[body, k + 1]
            squared += vector[k + 1] ** 2
        vector[0] = math.sqrt(masses[body] ** 2 + squared)
        boost(vector, velocity, 1.0)
        for k in range(4):
            vectors[body, k] = vector[k]
    return True


@compiled
def scale_to(root, bodies, masses, vectors, sum_mass):
    """The factor that gives momenta a total energy of `root`; Newton's method, from the factor of slow particles."""
    slow = 0.0
    for body in range(bodies):
        slow += (vectors[body, 1] ** 2 + vectors[body, 2] ** 2 + vectors[body, 3] ** 2) / (2.0 * masses[body])
    scale = math.sqrt((root - sum_mass) / slow)
    for _ in range(20):
        energy, slope = 0.0, 0.0
        for body in range(bodies):
            squared = vectors[body, 1] ** 2 + vectors[body, 2] ** 2 + vectors[body, 3] ** 2
            own = math.sqrt(masses[body] ** 2 + scale * scale * squared)
            energy += own
            slope += scale * squared / own
        change = (energy - root) / slope
        scale -= change
        if abs(change) < 1e-14 * scale:
            break
    return scale
