"""Neutrino interactions: cross-sections and kinematics."""

import numpy as np
import pytest

from bevatron.simulate.argon import quasi_elastic as qe
from bevatron.simulate.argon.event import NEUTRINO, Box
from bevatron.simulate.argon.particles import MASSES
from bevatron.simulate.argon.neutrinos import FERMI_MOMENTUM, Neutrinos, delta_total, flux, interaction, interactions

BOX = Box((0, -100, 0), (250, 100, 500))


def random(seed=1):
    return np.random.Generator(np.random.Philox(seed))


def test_quasi_elastic_cross_section():
    """On a free neutron 0.9-1.1 × 10⁻³⁸ cm² from 1 GeV on, with M_A = 1.03 GeV (J. A. Formaggio and G. P. Zeller, Rev.
    Mod. Phys. 84 (2012) 1307, fig. 11), and none below the threshold of 110 MeV."""
    assert qe.total(0.10) == 0
    assert qe.total(1.0) == pytest.approx(1.0e-38, rel=0.15)
    assert qe.total(3.0) == pytest.approx(0.95e-38, rel=0.2)
    assert qe.total(0.3) < qe.total(0.6) < qe.total(1.0)


def test_momentum_transfers_lie_within_their_limits():
    m = qe.NUCLEON_MASS
    low, high = qe.limits(m**2 + 2 * m * 0.8, m, m)
    assert 0 < low < 0.02
    assert high < 4 * 0.8**2
    assert qe.limits(m**2 + 2 * m * 0.05, m, m) is None


def test_single_pions_are_a_third_of_quasi_elastic_events():
    """MiniBooNE (arXiv:1011.3572): CC π⁺ / CC quasi-elastic about 0.3 at 0.8 GeV on CH₂; here per nucleon pair."""
    ratio = (delta_total(np.array(0.8)) + delta_total(np.array(0.8)) / 3) / qe.total(0.8)
    assert 0.25 < ratio < 0.6


def test_flux_is_that_of_the_booster_beam():
    """arXiv:0806.1449: mean 0.8 GeV, most likely 0.6-0.7 GeV."""
    energy = np.linspace(0.05, 5, 1000)
    density = flux(energy)
    assert (energy * density).sum() / density.sum() == pytest.approx(0.82, abs=0.03)
    assert energy[density.argmax()] == pytest.approx(0.65, abs=0.05)


def test_energy_and_momentum_are_those_of_neutrino_and_nucleon():
    """What comes out carries the neutrino's energy, less the nucleon's binding, give or take its Fermi motion; across
    the beam there is no more than the Fermi momentum."""
    generator, masses = random(), {code: mass / 1000 for code, mass in MASSES.items()}
    for _ in range(300):
        particles = interaction(Neutrinos(energy=(999.0, 1001.0)), generator)
        total = sum(np.sqrt(p @ p + masses[code] ** 2) for code, p in particles)
        momentum = sum(p for _, p in particles)
        assert np.hypot(*momentum[:2]) <= FERMI_MOMENTUM + 1e-6
        struck = np.sqrt(masses[2112] ** 2 + (momentum - [0, 0, 1.0]) @ (momentum - [0, 0, 1.0]))
        assert total == pytest.approx(1.0 + struck - 0.030, abs=0.006)
        assert particles[0][0] == 13
        nucleon = next(p for code, p in particles if code in (2212, 2112))
        assert np.linalg.norm(nucleon) >= FERMI_MOMENTUM - 1e-9
        charge = sum({13: -1, 2212: 1, 2112: 0, 211: 1, 111: 0}[code] for code, _ in particles)
        assert charge in (0, 1)  # on a neutron, on a proton


def test_share_and_vertices():
    primaries, has, vertex = interactions(Neutrinos(share=0.4, margin=50), BOX, 2_000, random(2))
    assert has.mean() == pytest.approx(0.4, abs=0.05)
    assert set(primaries.event) == set(np.flatnonzero(has))
    assert (primaries.origin == NEUTRINO).all()
    inside = vertex[has]
    assert (inside >= np.array(BOX.low) + 50).all()
    assert (inside <= np.array(BOX.high) - 50).all()
    assert (vertex[~has] == 0).all()
    assert np.abs(inside.mean(0) - [125, 0, 250]).max() < 15
    again, *_ = interactions(Neutrinos(share=0.4, margin=50), BOX, 2_000, random(2))
    np.testing.assert_array_equal(again.momentum, primaries.momentum)


def test_impossible_energies_are_refused():
    with pytest.raises(ValueError, match="must rise within 150 to 5000 MeV"):
        Neutrinos(energy=(50.0, 3000.0))
