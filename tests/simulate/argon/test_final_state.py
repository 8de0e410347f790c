"""Hadrons of a neutrino interaction leave the nucleus: energy, kinds and what becomes of pions."""

import numpy as np
import pytest

from bevatron.simulate.argon.generators.neutrinos import EXCITATION, Neutrinos, generate_interaction, leave_argon
from bevatron.simulate.argon.hadronic.final_state import leave_nucleus
from bevatron.simulate.argon.hadronic.nuclear_residue import ALPHA, ALPHA_SEPARATION
from bevatron.simulate.argon.hadronic.walk import PION_MASS, PION_ZERO_MASS, separation, size_of

PIONS = {211: PION_MASS, -211: PION_MASS, 111: PION_ZERO_MASS}


def carried(codes, kinetic):
    """Kinetic energy, rest energy of pions and separation energy, MeV."""
    cost = {code: ALPHA_SEPARATION if code == ALPHA else separation(size_of(code)) for code in set(codes)}
    return sum(energy + PIONS.get(code, 0.0) + cost[code] for code, energy in zip(codes, kinetic, strict=True))


@pytest.mark.parametrize("codes", [[2212], [2112], [2212, 211], [2212, 111], [2112, 211], [2112, -211]])
@pytest.mark.parametrize("kinetic", [20.0, 150.0, 600.0, 2500.0])
def test_energy_is_what_came_in(codes, kinetic):
    """To the MeV that a nucleus keeps as it has nothing to send it out with, and to rounding otherwise."""
    directions, out = np.tile([0.6, 0.0, 0.8], (len(codes), 1)), np.zeros((64, 5))
    brought = carried(codes, [kinetic] * len(codes)) + EXCITATION
    for seed in range(100):
        n = leave_nucleus(np.array(codes), np.full(len(codes), kinetic), directions, EXCITATION, seed, out)
        left = brought - carried(out[:n, 0].astype(int).tolist(), out[:n, 1].tolist())
        gone = sum(size_of(int(code)) for code in out[:n, 0])
        assert -1e-9 * brought <= left
        assert left <= 1.0 + 1e-9 * brought or gone > 31  # the whole nucleus
        assert gone <= 40
        np.testing.assert_allclose((out[:n, 2:] ** 2).sum(1), 1, atol=1e-9)


def test_the_muon_is_left_alone_and_pions_are_lost():
    """Pions that photons make at the Δ are seen as A^(2/3) (B. Krusche et al., Eur. Phys. J. A 22 (2004) 277): of those
    made on A nucleons A^(-1/3) = 0.29, so that at most 0.71 are lost, what Pauli forbids included."""
    generator = np.random.Generator(np.random.Philox(7))
    before = after = protons_before = protons_after = 0
    for _ in range(1_500):
        particles = generate_interaction(Neutrinos(energy=(800.0, 1500.0)), generator)
        left = leave_argon(particles, generator)
        np.testing.assert_array_equal(left[0][1], particles[0][1])
        assert left[0][0] == 13
        before += sum(code in PIONS for code, _ in particles)
        after += sum(code in PIONS for code, _ in left)
        protons_before += sum(code == 2212 for code, _ in particles)
        protons_after += sum(code == 2212 for code, _ in left)
    assert 0.3 < 1 - after / before < 0.71
    assert 1.2 < protons_after / protons_before < 3


def test_the_same_seed_gives_the_same_particles():
    first, second = (
        leave_argon(generate_interaction(Neutrinos(), generator), generator)
        for generator in (np.random.Generator(np.random.Philox(9)) for _ in range(2))
    )
    assert [code for code, _ in first] == [code for code, _ in second]
    for (_, a), (_, b) in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
