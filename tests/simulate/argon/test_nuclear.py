"""Nuclear reactions in argon: energy is conserved, and rates and fractions are the published ones."""

import numba
import numpy as np
import pytest

from bevatron.simulate.argon.hadronic.nuclear import capture_muon, capture_pion, interact, interaction_per_cm
from bevatron.simulate.argon.hadronic.nuclear_rates import PION_ENERGY, PION_TABLE, pion_cross_section
from bevatron.simulate.argon.hadronic.walk import size_of

Z = np.array([0.0, 0.0, 1.0])
LIGHT_NUCLEI = (1000010020, 1000010030, 1000020030, 1000020040)


@numba.njit
def seeded(seed):
    np.random.seed(seed)  # numba's own generator, which the transport seeds for each event


def collisions(pdg, kinetic, n=2_000, seed=1):
    """For each of n collisions: the fragments (k, 5), binding, mass."""
    seeded(seed)
    found = []
    for _ in range(n):
        out = np.zeros((64, 5))
        rows, binding, mass = interact(pdg, kinetic, Z, out)
        found.append((out[:rows].copy(), binding, mass))
    return found


@pytest.mark.parametrize("pdg", [211, -211, 2212, 2112])
@pytest.mark.parametrize("kinetic", [1.0, 10.0, 30.0, 100.0, 165.0, 400.0, 1000.0, 2000.0])
def test_energy_is_conserved_and_directions_are_unit_vectors(pdg, kinetic):
    for fragments, binding, mass in collisions(pdg, kinetic, 500):
        assert abs(fragments[:, 1].sum() + binding + mass - kinetic) < 1e-9 * (1 + kinetic)
        assert (fragments[:, 1] > 0).all()
        np.testing.assert_allclose((fragments[:, 2:] ** 2).sum(1), 1, atol=1e-9)
        gained = 8.0 if pdg in (2212, 2112) else 0.0  # a nucleon that is caught brings its binding energy
        assert binding > -gained - 1e-9
        codes = fragments[:, 0].astype(int)
        assert np.isin(codes, [211, -211, 111, 2212, 2112, 22, *LIGHT_NUCLEI]).all()
        assert sum(size_of(code) for code in codes) <= 40 + (pdg in (2212, 2112))


def test_rest_energy_is_what_was_made_or_destroyed():
    for pdg in (211, -211):
        for fragments, _, mass in collisions(pdg, 300.0):
            pions = fragments[np.abs(fragments[:, 0]) == 211, 0].size * 139.57039
            pions += (fragments[:, 0] == 111).sum() * 134.9768
            assert mass == pytest.approx(pions - 139.57039, abs=1e-6)


def test_cross_sections_of_pions_are_numpys_interpolation():
    """To the last bit, as every interaction length depends on it; at the table's points and outside of it, too."""
    energies = np.concatenate([np.random.default_rng(3).uniform(-10, 2500, 500), PION_ENERGY, [1e5]])
    for channel in range(4):
        expected = np.interp(energies, PION_ENERGY, PION_TABLE[channel])
        assert [pion_cross_section(energy, channel) for energy in energies] == expected.tolist()


def test_mean_free_paths():
    """λ = A / (N ρ σ): 85.7 cm for nucleons of high energy (PDG, liquid argon); at 1 GeV within 10 %."""
    assert 1 / interaction_per_cm(2212, 1000.0) == pytest.approx(85.7, rel=0.1)
    assert 1 / interaction_per_cm(-211, 1000.0) == pytest.approx(90.0, rel=0.2)
    assert interaction_per_cm(13, 1000.0) == 0
    assert interaction_per_cm(2212, 3.0) == 0


def test_shares_at_the_resonance():
    """Ashery et al. 1981, π⁺ at 165 MeV on iron: absorption 40 ± 8 % of the reactions, single charge exchange below
    a fifth; no pion comes out of an absorption."""
    found = collisions(211, 165.0, 4_000)
    without = np.mean([not np.isin(f[:, 0], [211, -211, 111]).any() for f, _, _ in found])
    neutral = np.mean([(f[:, 0] == 111).any() for f, _, _ in found])
    assert without == pytest.approx(0.42, abs=0.08)
    assert 0.05 < neutral < 0.2


def test_a_captured_pion_breaks_the_nucleus_up():
    """Neutrons carry most of the energy away: about two fast ones of 50-70 MeV, mean number with evaporation 2.5 to 4.5
    (H. J. Weyer, Phys. Rept. 195 (1990) 295)."""
    seeded(3)
    neutrons, fastest = [], []
    for _ in range(2_000):
        out = np.zeros((64, 5))
        n, binding, mass = capture_pion(out)
        assert abs(out[:n, 1].sum() + binding + mass) < 1e-9 * 140
        assert not np.isin(out[:n, 0], [211, -211, 111]).any()
        here = out[:n][out[:n, 0] == 2112, 1]
        neutrons.append(len(here))
        fastest.append(here.max(initial=0))
    assert 2.0 < np.mean(neutrons) < 4.5
    assert 35 < np.mean(fastest) < 75


def test_a_captured_muon_gives_its_energy_to_the_neutrino():
    """Measday 2001: the neutrino takes about 80 of 106 MeV or more, and 1 to 1.8 neutrons come out."""
    seeded(4)
    neutrinos, neutrons = [], []
    for _ in range(2_000):
        out = np.zeros((64, 5))
        n, neutrino, binding, mass = capture_muon(out)
        assert abs(out[:n, 1].sum() + neutrino + binding + mass) < 1e-9 * 106
        assert binding > 0
        neutrinos.append(neutrino)
        neutrons.append((out[:n, 0] == 2112).sum())
    assert 70 < np.mean(neutrinos) < 95
    assert 0.4 < np.mean(neutrons) < 1.8


def test_the_same_seed_gives_the_same_collisions():
    first, second = (collisions(-211, 250.0, 50, seed=9) for _ in range(2))
    for (a, _, _), (b, _, _) in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fast_protons_knock_out_nucleons_forward():
    found = np.concatenate([f for f, _, _ in collisions(2212, 400.0)])
    nucleons = found[np.isin(found[:, 0], [2212, 2112])]
    fast = nucleons[nucleons[:, 1] > 100]
    assert (fast[:, 4] > 0).mean() > 0.85
    assert 0.7 < len(fast) / 2_000 < 2.5
