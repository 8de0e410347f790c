"""Stopping powers and ranges against published tables."""

import numpy as np
import pytest

from bevatron.simulate.argon.electromagnetic import electrons, stopping
from bevatron.simulate.argon.electromagnetic.muon_radiation import muon_radiative_loss
from bevatron.simulate.argon.tracking.material import DENSITY, RADIATION_LENGTH
from bevatron.simulate.argon.tracking.particles import MUON_MASS, PROTON_MASS
from bevatron.simulate.argon.tracking.tables import ENERGIES, csda_range

# Groom, Mokhov and Striganov, At. Data Nucl. Data Tables 78 (2001) 183, as PDG revised them (muE_liquid_argon, 2017):
# muons in liquid argon, MeV and g/cm².
MUON_RANGES = {10: 0.9937, 20: 3.329, 40: 10.58, 100: 42.50, 200: 106.3, 400: 238.4, 1e3: 616.3, 4e3: 2297, 1e4: 5354}
# NIST PSTAR, protons in argon: MeV, electronic stopping power in MeV cm²/g, CSDA range in g/cm².
PROTONS = {
    10: (30.60, 0.1887),
    20: (17.92, 0.6335),
    50: (8.780, 3.208),
    100: (5.212, 10.92),
    200: (3.246, 36.27),
    500: (2.004, 161.4),
    1000: (1.629, 445.4),
}
# NIST ESTAR, electrons in argon: MeV, total stopping power in MeV cm²/g; up to 1 MeV, where the gas of the table and
# the liquid are alike.
ELECTRONS = {0.01: 14.98, 0.05: 4.623, 0.1: 2.927, 0.2: 2.015, 0.5: 1.497, 1.0: 1.404}


def test_muon_ranges_are_those_of_the_particle_data_group() -> None:
    found = csda_range(stopping.heavy_loss(ENERGIES, MUON_MASS) + muon_radiative_loss(ENERGIES)) * DENSITY
    for energy, expected in MUON_RANGES.items():
        assert np.interp(energy, ENERGIES, found) == pytest.approx(expected, rel=0.01)


def test_muons_ionise_least_with_the_loss_of_the_particle_data_group() -> None:
    """Liquid argon: 1.508 MeV cm²/g, at 266 MeV (Groom et al. 2001)."""
    energies = np.linspace(100, 1000, 901)
    loss = stopping.heavy_loss(energies, MUON_MASS) / DENSITY
    assert loss.min() == pytest.approx(1.508, rel=0.003)
    assert energies[loss.argmin()] == pytest.approx(266, rel=0.1)


@pytest.mark.parametrize("energy", PROTONS)
def test_protons_lose_and_range_as_in_pstar(energy: float) -> None:
    loss, length = PROTONS[energy]
    assert stopping.heavy_loss(np.array([energy]), PROTON_MASS)[0] / DENSITY == pytest.approx(loss, rel=0.005)
    found = csda_range(stopping.heavy_loss(ENERGIES, PROTON_MASS)) * DENSITY
    assert np.interp(energy, ENERGIES, found) == pytest.approx(length, rel=0.01)


@pytest.mark.parametrize("energy", ELECTRONS)
def test_electrons_lose_as_in_estar(energy: float) -> None:
    at = np.array([energy])
    found = (stopping.electron_loss(at) + electrons.radiative_loss(at))[0] / DENSITY
    assert found == pytest.approx(ELECTRONS[energy], rel=0.01)


def test_critical_energies_are_those_of_the_particle_data_group() -> None:
    """Rossi's: the energy that an electron would lose to collisions in a radiation length, liquid argon: 32.84 MeV,
    31.91 MeV for positrons (PDG 2024)."""
    energies = np.linspace(20, 50, 3001)
    for loss, expected in ((stopping.electron_loss, 32.84), (stopping.positron_loss, 31.91)):
        excess = loss(energies) * RADIATION_LENGTH - energies
        assert energies[np.abs(excess).argmin()] == pytest.approx(expected, rel=0.01)


def test_radiation_length() -> None:
    """At high energy an electron radiates E / X0 (PDG: 19.55 g/cm²)."""
    energies = np.array([1e4, 1e5])
    assert electrons.radiative_loss(energies) * RADIATION_LENGTH / energies == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("energy", [3.0, 30.0, 300.0])
@pytest.mark.parametrize(
    ("loss", "rate", "fraction"),
    [(stopping.electron_loss, electrons.moller_rate, 0.5), (stopping.positron_loss, electrons.bhabha_rate, 1.0)],
)
def test_what_a_cut_leaves_out_is_what_the_delta_rays_carry(loss, rate, fraction, energy: float) -> None:
    """The loss below a cut, and the energy of the δ-rays above it, make the whole loss."""
    at, cuts = np.array([energy]), np.geomspace(0.5, energy * fraction, 4001)
    number = np.array([rate(at, cut)[0] for cut in cuts])
    carried = (-np.diff(number) * (cuts[1:] + cuts[:-1]) / 2).sum()
    assert loss(at, 0.5)[0] + carried == pytest.approx(loss(at)[0], rel=1e-4)
