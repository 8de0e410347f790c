"""What argon nuclei do with pions, nucleons and captured muons. Compiled.

Measured cross-sections decide how often what happens (`nuclear_rates`); an intranuclear cascade (`cascade`) and then
evaporation (`nuclear_residue`) decide what comes out. Energy is conserved exactly: kinetic energy = that of the
fragments + `binding` (what separating nucleons cost, and what the nucleus keeps; negative where it gave some, as when
it caught a slow nucleon) + `mass` (rest energy made of kinetic energy, negative where it was released). Momentum is
that of the particles; the nucleus takes the rest.
"""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.cascade import run_cascade
from bevatron.simulate.argon.hadronic.nuclear_kinematics import SEPARATION
from bevatron.simulate.argon.hadronic.nuclear_rates import (
    ABSORPTION,
    CHARGE_EXCHANGE,
    PRODUCTION,
    QUASI_ELASTIC,
    interaction_per_cm,
    pion_cross_section,
)
from bevatron.simulate.argon.hadronic.nuclear_residue import evaporate
from bevatron.simulate.argon.hadronic.nucleus import ORBIT, PAIRS, sample_entry, sample_point, shell
from bevatron.simulate.argon.hadronic.pion_absorption import absorb
from bevatron.simulate.argon.hadronic.walk import COLUMNS, PION_MASS, ROWS, separation, size_of, start

__all__ = ["capture_muon", "capture_pion", "interact", "interaction_per_cm"]

MUON_MASS = 105.6583755
PROTON, NEUTRON = 2212, 2112
TRIES = 100  # cascades until one does what the cross-sections chose; then the next that does anything
SLOW_NUCLEON = 15.0  # MeV: below it a nucleon is caught and its energy shared by all
SLOW_PION = 40.0  # MeV: below it a pion that is absorbed is put where pairs are: it would mostly fly through
CAPTURE_THRESHOLD = 8.0  # MeV: μ⁻ ⁴⁰Ar → ν ⁴⁰Cl, mass difference and binding of the muon
CAPTURE_EXCITATION = 17.0  # MeV, mean after muon capture (D. F. Measday, Phys. Rept. 354 (2001) 243, sec. 5)


@compiled
def interact(pdg, kinetic, direction, out):
    """A charged pion or a nucleon reacts with a nucleus: fills rows of `out` (64, 5) with PDG code, kinetic energy
    (MeV) and direction of what comes out; returns their number, `binding` and `mass`, MeV.
    """
    if pdg in (PROTON, NEUTRON):
        return _collide_nucleon(pdg, kinetic, direction, out)
    channel = _sample_channel(kinetic)
    if channel != ABSORPTION or kinetic > SLOW_PION:
        walk, point = np.empty((ROWS, COLUMNS)), np.empty(3)
        for attempt in range(2 * TRIES):
            sample_entry(direction, point)
            waiting = start(walk, 0, 1 if pdg > 0 else -1, kinetic, direction, point)
            n, collisions, made = run_cascade(walk, waiting, out)
            if collisions > 0 and (attempt > TRIES or channel_of(out, n) == channel):
                return _evaporate_remainder(out, n, kinetic, 0.0, made)
    return _absorb_pion(pdg, kinetic, direction, PAIRS, out)  # also where a pion is too slow for anything else


@compiled
def capture_pion(out):
    """A π⁻ at rest: its rest energy goes to two, three or four nucleons. Returns as `interact`."""
    direction = np.zeros(3)
    direction[2] = 1.0
    return _absorb_pion(-211, 0.0, direction, ORBIT, out)


@compiled
def capture_muon(out):
    """A bound μ⁻ and a proton become a neutron and a neutrino, which takes most of the energy; the nucleus evaporates
    neutrons above all. Returns the number of rows, the neutrino's energy, `binding` and `mass`.
    """
    excitation = min(-CAPTURE_EXCITATION * np.log(1.0 - np.random.random()), 60.0)
    neutrino = MUON_MASS - CAPTURE_THRESHOLD - excitation
    n, _ = evaporate(out, 0, excitation)
    return n, neutrino, MUON_MASS - neutrino - sum_kinetic(out, n), -MUON_MASS


@compiled
def channel_of(out, n):
    """What happened to a pion, by the pions among the fragments."""
    charged, neutral = 0, 0
    for row in range(n):
        if out[row, 0] == 111:
            neutral += 1
        elif abs(out[row, 0]) == 211:
            charged += 1
    if charged + neutral == 0:
        return ABSORPTION
    if charged + neutral > 1:
        return PRODUCTION
    return CHARGE_EXCHANGE if neutral == 1 else QUASI_ELASTIC


@compiled
def _sample_channel(kinetic):
    total = 0.0
    for channel in range(4):
        total += pion_cross_section(kinetic, channel)
    remaining = np.random.random() * total
    for channel in range(4):
        remaining -= pion_cross_section(kinetic, channel)
        if remaining < 0.0:
            return channel
    return QUASI_ELASTIC


@compiled
def _absorb_pion(pdg, kinetic, direction, weight, out):
    """A pion vanishes where `sample_point` puts it."""
    walk, point, row = np.empty((ROWS, COLUMNS)), np.empty(3), np.empty(COLUMNS)
    sample_point(weight, point)
    start(walk, 0, 1 if pdg > 0 else -1, kinetic, direction, point)
    for column in range(COLUMNS):
        row[column] = walk[0, column]
    waiting = absorb(row, shell(point[0], point[1], point[2]), walk, 0)
    n, _, made = run_cascade(walk, waiting, out)
    return _evaporate_remainder(out, n, kinetic, 0.0, made - PION_MASS)


@compiled
def _collide_nucleon(pdg, kinetic, direction, out):
    if kinetic > SLOW_NUCLEON:
        walk, point = np.empty((ROWS, COLUMNS)), np.empty(3)
        for _ in range(TRIES):
            sample_entry(direction, point)
            waiting = start(walk, 1, 1 if pdg == PROTON else 0, kinetic, direction, point)
            n, collisions, made = run_cascade(walk, waiting, out)
            if collisions > 0:
                return _evaporate_remainder(out, n, kinetic, SEPARATION, made)
    return _evaporate_remainder(out, 0, kinetic, SEPARATION, 0.0)  # caught: a compound nucleus, which evaporates


@compiled
def _evaporate_remainder(out, n, kinetic, gained, mass):
    """Evaporates the remaining nucleus; returns the number of rows, `binding` and `mass`. gained: the binding energy of
    what came in.
    """
    n = evaporate_after(out, n, kinetic + gained - mass)
    return n, kinetic - mass - sum_kinetic(out, n), mass


@compiled
def evaporate_after(out, n, energy):
    """Evaporates a nucleus that was given `energy` and sent out the first n rows; returns the number of rows."""
    for row in range(n):
        energy -= out[row, 1] + separation(size_of(int(out[row, 0])))
    n, _ = evaporate(out, n, max(energy, 0.0))
    return n


@compiled
def sum_kinetic(out, n):
    """Kinetic energy of the first n rows."""
    total = 0.0
    for row in range(n):
        total += out[row, 1]
    return total
