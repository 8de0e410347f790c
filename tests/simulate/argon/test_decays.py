"""Muons and pions that decay or are captured."""

import numpy as np
import pytest

from bevatron.simulate.argon.tracking.particles import MUON_MASS

ENDPOINT = 52.83  # MeV, the electron's total energy: PDG, muon decay


def test_michel_electrons_have_their_spectrum(shoot) -> None:
    """Of stopped μ+: endpoint 52.8 MeV, mean 7/10 of it, 36.98 MeV, a fraction 1 - (2x³ - x⁴) above x."""
    deposits = shoot(-13, 20.0, 3000)
    energy = MUON_MASS - deposits.budget[:, 3]  # what the neutrinos left
    assert energy.max() <= ENDPOINT + 0.01
    assert energy.max() > 0.99 * ENDPOINT
    assert energy.mean() == pytest.approx(0.7 * ENDPOINT, rel=0.01)
    assert (energy > 0.8 * ENDPOINT).mean() == pytest.approx(1 - (2 * 0.8**3 - 0.8**4), abs=0.04)


def test_stopped_muons_live_as_long_as_published(shoot) -> None:
    """μ+: 2197 ns; μ- in argon: 537 ns, of which 76 % end in a nucleus (Suzuki, Measday and Roalsvig 1987)."""
    for pdg, electron, lifetime, fraction in ((-13, -11, 2197.0, 1.0), (13, 11, 537.0, 0.24)):
        times = []
        deposits = shoot(pdg, 20.0, 1500)
        for a, b in zip(deposits.offsets, deposits.offsets[1:], strict=False):
            own = (deposits.ids[a:b, 0] == electron) & (deposits.ids[a:b, 2] == 0)
            if own.any():
                times.append(deposits.segments[a:b, 8][own].min())
        assert len(times) / 1500 == pytest.approx(fraction, abs=0.04)
        assert np.mean(times) == pytest.approx(lifetime, rel=4 / np.sqrt(len(times)))


def test_neutral_pions_turn_into_two_photons_at_once(shoot) -> None:
    deposits = shoot(111, 300.0, 200)
    assert deposits.budget[:, 5] == pytest.approx(-134.977, abs=1e-3)
    assert deposits.budget[:, 1] == pytest.approx(434.977, abs=1e-3)


def test_a_stopped_positive_pion_gives_a_muon_and_that_a_positron(shoot) -> None:
    """π+ → μ+ (4.12 MeV, a range of 1.2 mm) → e+, in the order of their times."""
    deposits = shoot(211, 5.0, 50)
    chains = 0
    for a, b in zip(deposits.offsets, deposits.offsets[1:], strict=False):
        ids, segments = deposits.ids[a:b], deposits.segments[a:b]
        muon, positron = ids[:, 0] == -13, (ids[:, 0] == -11) & (ids[:, 2] > 0)
        if muon.any():
            chains += 1
            assert segments[muon, 7].sum() == pytest.approx(4.12, abs=0.01)
            assert segments[muon, 8].min() < segments[positron, 8].min()
    assert chains > 45
