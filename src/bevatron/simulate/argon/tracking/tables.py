"""Tables of what depends on energy alone, made once for given cuts, with equal steps in log energy."""

import math
from collections import namedtuple
from functools import lru_cache

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.electromagnetic import electrons, photons, stopping
from bevatron.simulate.argon.electromagnetic.muon_radiation import muon_radiative_loss
from bevatron.simulate.argon.hadronic.nuclear_rates import elastic_per_cm, interaction_per_cm
from bevatron.simulate.argon.tracking.cuts import Cuts
from bevatron.simulate.argon.tracking.material import LIGHT, XI
from bevatron.simulate.argon.tracking.particles import (
    CHARGED,
    ELECTRON,
    MASSES,
    MUON,
    MUON_LIFETIME,
    PION_LIFETIME,
    PION_PLUS,
    POSITRON,
    PROTON,
)

LOWEST, HIGHEST, POINTS_PER_DECADE = 1e-3, 1e6, 32  # MeV
DECADES = 9
LOG_LOWEST, LOG_STEP = math.log(LOWEST), math.log(10.0) / POINTS_PER_DECADE
POINTS = DECADES * POINTS_PER_DECADE + 1
ENERGIES = np.exp(LOG_LOWEST + LOG_STEP * np.arange(POINTS))

DELTA, RADIATE, ANNIHILATE, DECAY, NUCLEAR = range(5)  # processes of charged particles
COMPTON, PAIR, PHOTOELECTRIC = range(3)  # of photons
LOSS, RANGE, RATE = range(3)  # columns of `steps`

# steps (7, points, 3): mean loss in a step (MeV/cm), range at this loss (cm) and rate of all processes (1/cm) of each
# charged particle; rates (7, 5, points) by process; energies (7, points): log energy over equal steps of log range,
# whose start and step are in ranges (7, 2); photons (points, 3): rates by process, 1/cm.
Tables = namedtuple("Tables", "steps rates energies ranges photons")


@compiled
def locate_energy(kinetic):
    """The point below an energy, and the fraction of the way to the next."""
    at = (math.log(kinetic) - LOG_LOWEST) / LOG_STEP if kinetic > LOWEST else 0.0
    point = min(int(at), POINTS - 2)
    return point, at - point


@compiled
def energy_left(energies, ranges, length):
    """The kinetic energy of a particle that still goes `length` cm; rows of the tables."""
    at = (math.log(length) - ranges[0]) / ranges[1] if length > 0.0 else 0.0
    at = max(at, 0.0)
    point = min(int(at), POINTS - 2)
    return math.exp(energies[point] + (at - point) * (energies[point + 1] - energies[point]))


def tabulate(cuts: Cuts) -> Tables:
    """The tables for these cuts (half a second, once for each pair of thresholds)."""
    return _tabulate(cuts.electron, cuts.photon)


@lru_cache(maxsize=8)
def _tabulate(electron_cut: float, photon_cut: float) -> Tables:
    steps, rates = np.zeros((len(CHARGED), POINTS, 3)), np.zeros((len(CHARGED), 5, POINTS))
    energies, ranges = np.zeros((len(CHARGED), POINTS)), np.zeros((len(CHARGED), 2))
    for row, pdg in enumerate(CHARGED):
        steps[row, :, LOSS] = mean_loss(pdg, electron_cut, photon_cut)
        steps[row, :, RANGE] = csda_range(steps[row, :, LOSS])
        for process, rate in process_rates(pdg, electron_cut, photon_cut).items():
            rates[row, process] = rate
        steps[row, :, RATE] = rates[row].sum(0)
        logs = np.log(steps[row, :, RANGE])
        ranges[row] = logs[0], (logs[-1] - logs[0]) / (POINTS - 1)
        energies[row] = np.interp(np.linspace(logs[0], logs[-1], POINTS), logs, np.log(ENERGIES))
    light = (photons.compton_rate(ENERGIES), photons.pair_rate(ENERGIES), photons.photoelectric_rate(ENERGIES))
    return Tables(steps, rates, energies, ranges, np.stack(light, axis=1))


def mean_loss(pdg: int, electron_cut: float, photon_cut: float) -> np.ndarray:
    """Mean loss by what is not followed, MeV/cm, at ENERGIES: collisions and photons below the cuts."""
    if pdg == ELECTRON:
        return stopping.electron_loss(ENERGIES, electron_cut) + electrons.radiative_loss(ENERGIES, photon_cut)
    if pdg == POSITRON:
        return stopping.positron_loss(ENERGIES, electron_cut) + electrons.radiative_loss(ENERGIES, photon_cut)
    collisions = stopping.heavy_loss(ENERGIES, MASSES[pdg], electron_cut, abs(pdg) != PION_PLUS)
    return collisions + muon_radiative_loss(ENERGIES) if abs(pdg) == MUON else collisions


def csda_range(loss_per_cm: np.ndarray) -> np.ndarray:
    """The range in cm from a mean loss (MeV/cm) at ENERGIES; below the first it is taken as E / loss."""
    integrand = ENERGIES / loss_per_cm  # over log energy
    pieces = (integrand[1:] + integrand[:-1]) / 2 * LOG_STEP
    return np.concatenate([[0.0], np.cumsum(pieces)]) + integrand[0]


def process_rates(pdg: int, electron_cut: float, photon_cut: float) -> dict[int, np.ndarray]:
    """Rates of what happens at one point of a track, 1/cm, at ENERGIES."""
    if pdg in (ELECTRON, POSITRON):
        radiate = electrons.bremsstrahlung_rate(ENERGIES, photon_cut)
        if pdg == ELECTRON:
            return {DELTA: electrons.moller_rate(ENERGIES, electron_cut), RADIATE: radiate}
        bhabha = electrons.bhabha_rate(ENERGIES, electron_cut)
        return {DELTA: bhabha, RADIATE: radiate, ANNIHILATE: electrons.annihilation_rate(ENERGIES)}
    mass = MASSES[pdg]
    rates = {DELTA: heavy_rate(mass, electron_cut, abs(pdg) != PION_PLUS)}
    if pdg != PROTON:
        lifetime = MUON_LIFETIME if abs(pdg) == MUON else PION_LIFETIME
        rates[DECAY] = mass / (np.sqrt(ENERGIES * (ENERGIES + 2 * mass)) * LIGHT * lifetime)
    if abs(pdg) != MUON:
        rates[NUCLEAR] = np.array([interaction_per_cm(pdg, e) + elastic_per_cm(pdg, e) for e in ENERGIES])
    return rates


def heavy_rate(mass: float, cut: float, spin_half: bool) -> np.ndarray:
    """Collisions of a heavy particle that pass more than `cut` to an electron (PDG review, eq. 34.8)."""
    maximum, energy = stopping.maximum_transfer(ENERGIES, mass), ENERGIES + mass
    beta2, top = ENERGIES * (ENERGIES + 2 * mass) / energy**2, np.maximum(maximum, cut)
    rate = 1 / cut - 1 / top - beta2 / top * np.log(top / cut)
    if spin_half:
        rate += (top - cut) / (2 * energy**2)
    return np.maximum(XI / beta2 * rate, 0.0)
