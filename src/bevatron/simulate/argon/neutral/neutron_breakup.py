"""Reactions of neutrons of up to 20 MeV with ⁴⁰Ar: (n,n'γ), (n,2n), (n,p), (n,α). Compiled; MeV.

The compound nucleus sends out one or two particles one after the other, each isotropic in the frame of what sends it,
and then photons. Kinetic energies are non-relativistic, so that energy and momentum (but for the photons') are
conserved exactly. Neutrons have Weisskopf's spectrum E exp(-E/T) of the temperature √(8 E*/A) of a nucleus with E* (J.
M. Blatt and V. F. Weisskopf, Theoretical nuclear physics (1952), sec. VIII.6); below 4 MeV discrete levels of ⁴⁰Ar are
excited, by (2J + 1) times the phase space. Levels decay through the first one, at 1.461 MeV, as nearly all of them do.
Protons and α particles, which the Coulomb barrier favours when fast, take a fraction √u of the energy, u uniform: an
assumption.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_residue import ALPHA, NEUTRON, PROTON
from bevatron.simulate.argon.neutral.neutron_rates import ALPHA_OUT, PROTON_OUT, TWO_NEUTRONS
from bevatron.simulate.argon.tracking.directions import sample_direction
from bevatron.simulate.argon.tracking.particles import NEUTRON_MASS, NUCLEON, PHOTON, PROTON_MASS
from bevatron.simulate.argon.tracking.stack import (
    BINDING,
    EVENT,
    KINETIC,
    NEUTRAL,
    UX,
    UY,
    UZ,
    push,
)

TARGET_MASS = 39.9624 * NUCLEON  # of ⁴⁰Ar
ALPHA_MASS = 4.0015 * NUCLEON
COST_TWO_NEUTRONS, COST_PROTON, COST_ALPHA = 9.869, 6.698, 2.49  # MeV: -Q
FIRST_LEVEL = 1.4608
# ⁴⁰Ar (J. Chen, Nucl. Data Sheets 140 (2017) 1): MeV and spin of the lowest excited levels.
LEVELS = np.array(
    [
        [FIRST_LEVEL, 2],
        [2.1208, 0],
        [2.5241, 2],
        [2.8926, 4],
        [3.2080, 2],
        [3.4645, 6],
        [3.5111, 2],
        [3.6806, 3],
        [3.9188, 2],
    ]
)
CONTINUUM = 4.0  # MeV: beyond, levels overlap
LEVEL_DENSITY = 40.0 / 8.0  # 1/MeV
DIRECT = 0.1  # fraction of inelastic collisions above the continuum that excite the first level directly
AR40 = 1000180400
RECOIL_CUT = 0.1  # MeV: a nucleus with less leaves next to no free charge, and no segment
SINGLE_PHOTON, MAX_PHOTONS = 3.0, 20  # MeV: more is shared by several photons


@compiled
def break_up(particle, channel, work):
    """The neutron (a row of the stack) and a nucleus react in one of the four channels: what comes out goes onto the
    stack, the cost into `binding`.
    """
    total_mass, kinetic = TARGET_MASS + NEUTRON_MASS, particle[KINETIC]
    speed = math.sqrt(2.0 * kinetic / NEUTRON_MASS) * NEUTRON_MASS / total_mass
    velocity = np.empty(3)
    velocity[0], velocity[1], velocity[2] = speed * particle[UX], speed * particle[UY], speed * particle[UZ]
    before = kinetic * TARGET_MASS / total_mass  # in the centre of mass
    available, nucleus = before, TARGET_MASS
    if channel in (PROTON_OUT, ALPHA_OUT):
        code, mass, cost = PROTON, PROTON_MASS, COST_PROTON
        if channel == ALPHA_OUT:
            code, mass, cost = ALPHA, ALPHA_MASS, COST_ALPHA
        available = max(before - cost, 0.0)
        first = available * math.sqrt(np.random.random())
        emit_heavy(particle, velocity, total_mass, mass, first, code, work)
        emit_photons(particle, available - first, work)
        nucleus = total_mass - mass
    elif channel == TWO_NEUTRONS:
        available = max(before - COST_TWO_NEUTRONS, 0.0)
        first = sample_evaporated(available)
        second = sample_evaporated(available - first)
        emit_heavy(particle, velocity, total_mass, NEUTRON_MASS, first, NEUTRON, work)
        emit_heavy(particle, velocity, TARGET_MASS, NEUTRON_MASS, second, NEUTRON, work)
        emit_photons(particle, available - first - second, work)
        nucleus = TARGET_MASS - NEUTRON_MASS
    else:
        excitation = sample_excitation(available)
        emit_heavy(particle, velocity, total_mass, NEUTRON_MASS, available - excitation, NEUTRON, work)
        emit_photons(particle, excitation - FIRST_LEVEL, work)
        emit_photons(particle, min(excitation, FIRST_LEVEL), work)
    work.budget[work.counts[EVENT], BINDING] += before - available
    speed2 = velocity[0] ** 2 + velocity[1] ** 2 + velocity[2] ** 2
    norm = math.sqrt(max(speed2, 1e-300))
    leave_recoil(particle, 0.5 * nucleus * speed2, velocity[0] / norm, velocity[1] / norm, velocity[2] / norm, work)


@compiled
def emit_heavy(particle, velocity, total_mass, mass, kinetic, code, work):
    """A nucleus of `total_mass` and `velocity` sends out a particle; `kinetic` is what both have in the nucleus' frame.
    `velocity` (3,) becomes that of what remains.
    """
    rest = total_mass - mass
    relative = math.sqrt(2.0 * kinetic * total_mass / (mass * rest))
    ux, uy, uz = sample_direction()
    ahead, back = relative * rest / total_mass, relative * mass / total_mass
    vx, vy, vz = velocity[0] + ahead * ux, velocity[1] + ahead * uy, velocity[2] + ahead * uz
    velocity[0] -= back * ux
    velocity[1] -= back * uy
    velocity[2] -= back * uz
    speed2 = vx * vx + vy * vy + vz * vz
    if speed2 > 0.0:
        norm = 1.0 / math.sqrt(speed2)
        push(work.stack, work.counts, particle, code, 0.5 * mass * speed2, vx * norm, vy * norm, vz * norm)


@compiled
def sample_evaporated(available):
    """A kinetic energy of up to `available`, by E exp(-E/T)."""
    temperature = max(math.sqrt(available / LEVEL_DENSITY), 1e-3)
    for _ in range(100):
        kinetic = -temperature * math.log((1.0 - np.random.random()) * (1.0 - np.random.random()))
        if kinetic < available:
            return kinetic
    return 0.5 * available


@compiled
def sample_excitation(available):
    """The excitation of ⁴⁰Ar that a neutron with `available` in the centre of mass leaves behind."""
    if available <= FIRST_LEVEL:
        return available  # within the rounding of the threshold
    if available > CONTINUUM:
        if np.random.random() < DIRECT:
            return FIRST_LEVEL
        excitation = available - sample_evaporated(available - FIRST_LEVEL)
        if excitation > CONTINUUM:
            return excitation
    total = 0.0
    for row in range(len(LEVELS)):
        total += level_weight(row, available)
    remaining, chosen = np.random.random() * total, FIRST_LEVEL
    for row in range(len(LEVELS)):
        weight = level_weight(row, available)
        if weight > 0.0 and remaining >= 0.0:
            chosen = LEVELS[row, 0]
        remaining -= weight
    return chosen


@compiled
def level_weight(row, available):
    """2J + 1 times a phase space that saturates beyond 1 MeV."""
    left = available - LEVELS[row, 0]
    return (2.0 * LEVELS[row, 1] + 1.0) * left / (1.0 + left) if left > 0.0 else 0.0


@compiled
def emit_photons(particle, excitation, work):
    """Photons that share an excitation; none for what is not positive."""
    for left in range(MAX_PHOTONS, 0, -1):
        if excitation <= 0.0:
            return
        energy = excitation if excitation < SINGLE_PHOTON or left == 1 else excitation * np.random.random()
        ux, uy, uz = sample_direction()
        push(work.stack, work.counts, particle, PHOTON, energy, ux, uy, uz)
        excitation -= energy


@compiled
def leave_recoil(particle, kinetic, ux, uy, uz, work):
    """An argon nucleus sets off, or, with less than RECOIL_CUT, its energy goes to `neutral`."""
    if kinetic > RECOIL_CUT:
        push(work.stack, work.counts, particle, AR40, kinetic, ux, uy, uz)
    else:
        work.budget[work.counts[EVENT], NEUTRAL] += kinetic
