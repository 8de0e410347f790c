"""Jets as a calorimeter sees them: resolutions that come out as they went in, pile-up taken away on average."""

import numpy as np
import pytest

from bevatron.prepare.jets.calorimeter import Calorimeter, EnergyResolution, measure_jets, smear_energies
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

PHOTON, PION, MUON, NEUTRON = 22, 211, 13, 2112
PERFECT = {"stochastic": 0.0, "constant": 0.0, "noise": 0.0}


def raw_jets(n, particles, pile_up=None, density=None):
    """n jets of the same particles (PDG number, pt, eta, phi), massless."""
    pdg_id, pt, eta, phi = (np.array(column, float) for column in zip(*particles, strict=True))
    momentum = np.column_stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)])
    offsets = np.arange(n + 1) * len(pt)
    values = np.tile(np.column_stack([momentum, np.zeros((len(pt), 3))]), (n, 1)).astype(np.float32)
    ids = np.tile(np.column_stack([pdg_id, np.zeros(len(pt))]), (n, 1)).astype(np.int32)
    inputs = {
        "jet": Group(Dense(np.zeros((n, 4), np.float32)), ("pt", "eta", "phi", "mass"), ("",) * 4),
        "constituents": Group(Ragged(values, offsets), tuple("abcdefg"), ("",) * 7),
        "constituent_ids": Group(Ragged(ids, offsets), ("pdg_id", "charge_thirds"), ("", "")),
    }
    if pile_up is not None:
        inputs["pile_up_energy"] = Group(Dense(np.asarray(pile_up, np.float32)), tuple("abcdefgh"), ("",) * 8)
        event = np.column_stack([np.ones(n), density]).astype(np.float32)
        inputs["pile_up_event"] = Group(Dense(event), tuple("abc"), ("",) * 3)
    return Samples(inputs, {}, np.arange(n, dtype=np.uint64))


def measured(raw, seed=1, **options):
    perfect = {"electromagnetic": PERFECT, "hadronic": PERFECT, "cell": 0.0}
    return measure_jets(raw, Calorimeter.model_validate(perfect | options), np.random.default_rng(seed))


def test_a_perfect_calorimeter_sees_all_but_muons():
    jets = measured(raw_jets(3, [(PHOTON, 10.0, 0.5, 1.0), (-PION, 20.0, 0.5, 1.0), (-MUON, 30.0, 0.6, 1.2)]))
    np.testing.assert_allclose(jets.pt, 30.0, rtol=1e-5)
    np.testing.assert_allclose(jets.eta, 0.5, rtol=1e-5)
    np.testing.assert_allclose(jets.phi, 1.0, rtol=1e-5)


@pytest.mark.parametrize("energy", [20.0, 50.0, 500.0])
def test_the_resolution_is_that_of_the_formula(energy):
    """σ/E = 0.5 / √E ⊕ 0.03 ⊕ 1 / E."""
    n = 40_000
    momentum = np.tile([energy * 0.6, 0.0, energy * 0.8, energy], (n, 1))
    resolution = EnergyResolution(stochastic=0.5, constant=0.03, noise=1.0)
    found = smear_energies(momentum, resolution, np.random.default_rng(2))
    expected = np.sqrt(0.25 / energy + 0.03**2 + 1 / energy**2)
    ratio = found[:, 3] / energy
    assert ratio.mean() == pytest.approx(1.0, abs=5 * expected / np.sqrt(n))
    assert ratio.std() == pytest.approx(expected, rel=0.03)
    np.testing.assert_allclose(found / found[:, 3:], momentum / energy, rtol=1e-12)


def test_kinds_have_their_own_resolution_and_their_errors_add_in_squares():
    particles = [(PHOTON, 30.0, 0.0, 0.0), (NEUTRON, 40.0, 0.0, 0.0)]
    options = {
        "electromagnetic": {"stochastic": 0.1, "constant": 0.0, "noise": 0.0},
        "hadronic": {"stochastic": 0.0, "constant": 0.1, "noise": 0.0},
    }
    jets = measured(raw_jets(20_000, particles), **options)
    assert jets.pt.mean() == pytest.approx(70.0, abs=0.15)
    assert jets.pt.std() == pytest.approx(np.hypot(0.1 * np.sqrt(30.0), 4.0), rel=0.03)


def test_noise_needs_a_deposit_and_energies_are_not_negative():
    noisy = {"hadronic": {"stochastic": 0.0, "constant": 0.0, "noise": 100.0}}
    only_photons = measured(raw_jets(50, [(PHOTON, 10.0, 0.0, 0.0)]), **noisy)
    np.testing.assert_allclose(only_photons.pt, 10.0, rtol=1e-5)
    with_pion = measured(raw_jets(500, [(PHOTON, 10.0, 0.0, 0.0), (PION, 10.0, 0.0, 0.0)]), **noisy)
    assert with_pion.pt.min() == pytest.approx(10.0, rel=1e-5)
    only_muons = measured(raw_jets(5, [(MUON, 10.0, 0.3, 0.1)]))
    assert (only_muons.pt > 0).all()
    assert np.isfinite(np.column_stack([only_muons.pt, only_muons.eta, only_muons.phi])).all()


def test_the_direction_moves_less_with_many_particles():
    one, sixteen = (measured(raw_jets(20_000, [(PION, 32.0 / n, 0.2, -0.4)] * n), cell=0.1) for n in (1, 16))
    for values in (one.eta - 0.2, one.phi + 0.4):
        assert values.std() == pytest.approx(0.1 / np.sqrt(12), rel=0.03)
    for values in (sixteen.eta - 0.2, sixteen.phi + 0.4):
        assert values.std() == pytest.approx(0.1 / np.sqrt(12) / 4, rel=0.03)


def test_phi_stays_within_a_turn():
    jets = measured(raw_jets(2_000, [(PION, 32.0, 0.0, np.pi - 1e-3)]), cell=0.1)
    assert (jets.phi >= -np.pi).all()
    assert (jets.phi < np.pi).all()
    assert (jets.phi < 0).any()


def test_pile_up_adds_energy_and_its_mean_is_taken_away():
    """Toys: in each event a density, around whose expectation in the cone the energy there varies."""
    n, random = 20_000, np.random.default_rng(5)
    density, area = random.uniform(0.0, 40.0, (n, 2)), np.pi * 0.4**2
    added = random.normal(density * area, 1.0)
    energy = np.zeros((n, 8))
    energy[:, 0], energy[:, 3], energy[:, 4], energy[:, 7] = added[:, 0], added[:, 0], added[:, 1], added[:, 1]
    jets = measured(raw_jets(n, [(PION, 60.0, 0.0, 0.0), (PHOTON, 40.0, 0.0, 0.0)], energy, density))
    assert jets.pt.mean() == pytest.approx(100.0, abs=5 * np.sqrt(2.0 / n))
    assert np.polyfit(density.sum(axis=1), jets.pt, 1)[0] == pytest.approx(0.0, abs=0.01)
    assert jets.pt.std() == pytest.approx(np.sqrt(2.0), rel=0.03)


def test_no_jets_and_the_same_for_the_same_seed():
    assert len(measured(raw_jets(0, [(PION, 1.0, 0.0, 0.0)])).pt) == 0
    raw = raw_jets(20, [(PION, 50.0, 0.0, 0.0)])
    default = Calorimeter()
    first, again, other = (measure_jets(raw, default, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.pt, again.pt)
    assert (first.pt != other.pt).all()
