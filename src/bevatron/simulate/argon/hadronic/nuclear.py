"""What argon nuclei do with pions, protons and captured muons. Compiled.

One collision with nucleons of a Fermi sphere, perhaps a second one of those that come out, then evaporation: the
skeleton of an intranuclear cascade. Measured cross-sections decide how often what happens; energies and multiplicities
follow from kinematics, to 20-30 %. Energy is conserved exactly: kinetic energy = that of the fragments + `binding`
(what separating nucleons cost, and what the nucleus keeps) + `mass` (rest energy made of kinetic energy, negative where
it was released). Momentum is that of the nucleons; the nucleus takes the rest.
"""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import (
    FERMI_ENERGY,
    NUCLEON_MASS,
    SEPARATION,
    WELL,
    sample_nucleon,
    scatter_two_bodies,
)
from bevatron.simulate.argon.hadronic.nuclear_rates import (
    ABSORPTION,
    CHARGE_EXCHANGE,
    PRODUCTION,
    QUASI_ELASTIC,
    interaction_per_cm,
    pion_cross_section,
)
from bevatron.simulate.argon.hadronic.nuclear_residue import PROTON_FRACTION, emit_along, evaporate, leave_well

__all__ = ["capture_muon", "capture_pion", "interact", "interaction_per_cm"]

PION_MASS, PION_ZERO_MASS, MUON_MASS = 139.57039, 134.9768, 105.6583755
PROTON, NEUTRON = 2212, 2112
TRIES = 100
SLOPE = 6e-6  # 1/MeV²: of elastic nucleon-nucleon and pion-nucleon scattering around 1 GeV
HARD = 500.0  # MeV: above, elastic scattering is forward
UNLIKE_PAIRS = (
    0.8  # fraction of absorptions on a proton and a neutron (D. Ashery and J. P. Schiffer, ARNPS 36 (1986) 207)
)
NUCLEON_PRODUCTION = 350.0  # MeV: from here protons make pions, in 40 % of their collisions at 1 GeV
CAPTURE_THRESHOLD = 8.0  # MeV: μ⁻ ⁴⁰Ar → ν ⁴⁰Cl, mass difference and binding of the muon
CAPTURE_EXCITATION = 17.0  # MeV, mean after muon capture (D. F. Measday, Phys. Rept. 354 (2001) 243, sec. 5)


@compiled
def interact(pdg, kinetic, direction, out):
    """A pion or nucleon with a nucleus: fills rows of `out` (64, 5) with PDG code, kinetic energy (MeV) and direction
    of what comes out; returns their number, `binding` and `mass`, MeV.
    """
    if pdg in (PROTON, NEUTRON):
        return _collide_nucleon(pdg, kinetic, direction, out)
    total = 0.0
    for channel in range(4):
        total += pion_cross_section(kinetic, channel)
    remaining, channel = np.random.random() * total, QUASI_ELASTIC
    for k in range(4):
        remaining -= pion_cross_section(kinetic, k)
        if remaining < 0.0:
            channel = k
            break
    if channel == ABSORPTION:
        return _absorb_pion(pdg, kinetic, direction, out)
    if channel == PRODUCTION:
        return _produce_pion(pdg, PION_MASS, kinetic, direction, out)
    return _scatter_pion(pdg, kinetic, direction, out, channel == CHARGE_EXCHANGE)


@compiled
def capture_pion(out):
    """A π⁻ at rest: its rest energy goes to two nucleons. Returns as `interact`."""
    direction = np.zeros(3)
    direction[2] = 1.0
    return _absorb_pion(-211, 0.0, direction, out)


@compiled
def capture_muon(out):
    """A bound μ⁻ and a proton become a neutron and a neutrino, which takes most of the energy; the nucleus evaporates
    neutrons above all. Returns the number of rows, the neutrino's energy, `binding` and `mass`.
    """
    excitation = min(-CAPTURE_EXCITATION * np.log(1.0 - np.random.random()), 60.0)
    neutrino = MUON_MASS - CAPTURE_THRESHOLD - excitation
    n, _ = evaporate(out, 0, excitation)
    return n, neutrino, MUON_MASS - neutrino - _sum_kinetic(out, n), -MUON_MASS


@compiled
def _scatter_pion(pdg, kinetic, direction, out, exchanged):
    """Quasi-elastic scattering of a pion, or charge exchange, on one nucleon."""
    mass = PION_ZERO_MASS if exchanged else PION_MASS
    struck_is_proton = (pdg < 0) if exchanged else _sample_is_proton(pdg)
    code = _nucleon_code(struck_is_proton != exchanged)
    pion, nucleon = np.empty(4), np.empty(4)
    for _ in range(TRIES):
        _set_four_vector(PION_MASS, kinetic, direction, pion)
        sample_nucleon(nucleon)
        slope = SLOPE if kinetic > HARD else 0.0
        if not scatter_two_bodies(pion, nucleon, mass, NUCLEON_MASS, slope, kinetic < HARD):
            continue
        if nucleon[0] - NUCLEON_MASS < FERMI_ENERGY or pion[0] <= mass:
            continue
        n = _emit_pion(out, 0, 111 if exchanged else pdg, pion, mass)
        n = leave_well(out, n, code, nucleon, True)
        return _evaporate_remainder(out, n, kinetic, mass - PION_MASS)
    return _absorb_pion(pdg, kinetic, direction, out)  # too slow for Pauli to allow anything else


@compiled
def _absorb_pion(pdg, kinetic, direction, out):
    """A pion vanishes on two nucleons, which share its energy back to back where they come from."""
    pion, first, second = np.empty(4), np.empty(4), np.empty(4)
    _set_four_vector(PION_MASS, kinetic, direction, pion)
    while True:
        sample_nucleon(first)
        sample_nucleon(second)
        for k in range(4):
            first[k] += pion[k]
        scatter_two_bodies(first, second, NUCLEON_MASS, NUCLEON_MASS, 0.0, False)
        if min(first[0], second[0]) - NUCLEON_MASS > FERMI_ENERGY:  # Pauli; true of most
            break
    unlike_pair = np.random.random() < UNLIKE_PAIRS  # π⁺ + np → pp, π⁻ + np → nn; else one of each
    charged = pdg > 0
    n = leave_well(out, 0, _nucleon_code(charged), first, True)
    n = leave_well(out, n, _nucleon_code(charged == unlike_pair), second, True)
    return _evaporate_remainder(out, n, kinetic, -PION_MASS)


@compiled
def _produce_pion(pdg, mass, kinetic, direction, out):
    """A further pion, from the decay of a Δ that the struck nucleon became; charges as isospin has it on average."""
    particle, delta, pion = np.empty(4), np.empty(4), np.empty(4)
    is_nucleon = pdg in (PROTON, NEUTRON)
    for _ in range(TRIES):
        _set_four_vector(mass, kinetic, direction, particle)
        sample_nucleon(delta)
        heavy = NUCLEON_MASS + PION_MASS + 5.0 + 250.0 * np.random.random()
        if not scatter_two_bodies(particle, delta, mass, heavy, SLOPE, False):
            continue
        for k in range(4):
            pion[k] = 0.0
        if not scatter_two_bodies(delta, pion, NUCLEON_MASS, PION_MASS, 0.0, False):
            continue
        if delta[0] - NUCLEON_MASS < FERMI_ENERGY:
            continue
        kind = np.random.random()
        produced = 111 if kind < 1.0 / 3.0 else (211 if kind < 2.0 / 3.0 else -211)
        rest_mass = PION_ZERO_MASS if produced == 111 else PION_MASS
        pion[0] += rest_mass - PION_MASS  # the neutral one is lighter by 4.6 MeV at the same kinetic energy
        n = _emit_pion(out, 0, produced, pion, rest_mass)
        n = leave_well(out, n, pdg, particle, False) if is_nucleon else _emit_pion(out, n, pdg, particle, mass)
        n = leave_well(out, n, _nucleon_code(np.random.random() < PROTON_FRACTION), delta, True)
        return _evaporate_remainder(out, n, kinetic - WELL if is_nucleon else kinetic, rest_mass)
    if is_nucleon:
        return _knock_out(pdg, kinetic - WELL, direction, out)
    return _scatter_pion(pdg, kinetic, direction, out, False)


@compiled
def _collide_nucleon(pdg, kinetic, direction, out):
    fraction = 0.4 * min(1.0, max(0.0, (kinetic - NUCLEON_PRODUCTION) / 650.0))
    if np.random.random() < fraction:
        return _produce_pion(pdg, NUCLEON_MASS, kinetic + WELL, direction, out)
    return _knock_out(pdg, kinetic, direction, out)


@compiled
def _knock_out(pdg, kinetic, direction, out):
    """A proton or neutron hits a nucleon; both may leave, and hit another one before."""
    proton, nucleon = np.empty(4), np.empty(4)
    for _ in range(TRIES):
        _set_four_vector(NUCLEON_MASS, kinetic + WELL, direction, proton)
        sample_nucleon(nucleon)
        scatter_two_bodies(proton, nucleon, NUCLEON_MASS, NUCLEON_MASS, SLOPE if kinetic > HARD else 0.0, False)
        if min(proton[0], nucleon[0]) - NUCLEON_MASS > FERMI_ENERGY:
            code = _nucleon_code(np.random.random() < PROTON_FRACTION)
            n = leave_well(out, 0, pdg, proton, True)
            n = leave_well(out, n, code, nucleon, True)
            return _evaporate_remainder(out, n, kinetic, 0.0)
    return _evaporate_remainder(out, 0, kinetic, 0.0)  # caught: a compound nucleus, which evaporates


@compiled
def _evaporate_remainder(out, n, kinetic, mass):
    """Evaporates the remaining nucleus; returns the number of rows, `binding` and `mass`."""
    nucleons = 0
    for row in range(n):
        if out[row, 0] == PROTON or out[row, 0] == NEUTRON:
            nucleons += 1
    excitation = kinetic - mass - _sum_kinetic(out, n) - SEPARATION * nucleons
    n, _ = evaporate(out, n, max(excitation, 0.0))
    return n, kinetic - mass - _sum_kinetic(out, n), mass


@compiled
def _sum_kinetic(out, n):
    total = 0.0
    for row in range(n):
        total += out[row, 1]
    return total


@compiled
def _set_four_vector(mass, kinetic, direction, vector):
    vector[0] = mass + kinetic
    momentum = np.sqrt(kinetic * (kinetic + 2.0 * mass))
    for k in range(3):
        vector[k + 1] = momentum * direction[k]


@compiled
def _emit_pion(out, n, pdg, pion, mass):
    momentum = np.sqrt(pion[1] ** 2 + pion[2] ** 2 + pion[3] ** 2)
    if momentum <= 0.0:
        return n
    return emit_along(out, n, pdg, pion[0] - mass, pion, momentum)


@compiled
def _nucleon_code(is_proton):
    return PROTON if is_proton else NEUTRON


@compiled
def _sample_is_proton(pdg):
    """Whether a pion scatters off a proton: at the Δ, π⁺p and π⁻n are nine times as likely as π⁺n and π⁻p."""
    weight = 9.0 * PROTON_FRACTION if pdg > 0 else PROTON_FRACTION
    other = 1.0 - PROTON_FRACTION if pdg > 0 else 9.0 * (1.0 - PROTON_FRACTION)
    return np.random.random() * (weight + other) < weight
