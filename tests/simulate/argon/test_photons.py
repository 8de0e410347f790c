"""Photons' attenuation against NIST's tables, and pairs against Bethe and Heitler."""

import numpy as np
import pytest

from bevatron.simulate.argon.electromagnetic import photons
from bevatron.simulate.argon.electromagnetic.screening import STRENGTH, pair_functions
from bevatron.simulate.argon.tracking.material import DENSITY, ELECTRON_MASS, RADIATION_LENGTH, SCREENING

# NIST, X-ray mass attenuation coefficients (NISTIR 5632), argon: MeV, cm²/g; coherent scattering is within, which we
# leave out, so that ours may be less where it counts.
ATTENUATION = {0.3: 0.09953, 0.5: 0.07958, 1: 0.05762, 1.5: 0.04695, 2: 0.04074, 3: 0.03384, 5: 0.02802, 10: 0.02451}
ATTENUATION |= {15: 0.02418, 20: 0.02453}
SOFT = {0.015: 19.83, 0.02: 8.629, 0.03: 2.697, 0.05: 0.7012, 0.1: 0.2043, 0.2: 0.1205}


def attenuation(energy: float) -> float:
    at = np.array([energy])
    return (photons.compton_rate(at) + photons.pair_rate(at) + photons.photoelectric_rate(at))[0] / DENSITY


@pytest.mark.parametrize("energy", ATTENUATION)
def test_photons_are_attenuated_as_nist_has_it(energy: float) -> None:
    assert attenuation(energy) == pytest.approx(ATTENUATION[energy], rel=0.02)


@pytest.mark.parametrize("energy", SOFT)
def test_soft_photons_are_attenuated_as_nist_has_it_but_for_coherent_scattering(energy: float) -> None:
    assert 0.82 * SOFT[energy] < attenuation(energy) < 1.02 * SOFT[energy]


@pytest.mark.parametrize("energy", [100.0, 300.0, 1000.0, 10_000.0])
def test_pairs_are_as_many_as_bethe_and_heitler_have_it(energy: float) -> None:
    """Their formula with screening, integrated over the sharing of the energy, against the fit to tabulated rates."""
    x = np.linspace(ELECTRON_MASS / energy, 0.5, 20_001)
    delta = SCREENING * ELECTRON_MASS / energy / (x * (1 - x))
    parts = np.array([pair_functions(d, energy) for d in delta])
    shape = (0.5 - x) ** 2 * parts[:, 0] + 0.5 * parts[:, 1]
    # [x² + (1-x)²] (Φ1 - f) + 2/3 x (1-x) (Φ2 - f), ordered as F1 and F2; 2 for x from 1/2 to 1
    expected = 2 * STRENGTH * np.trapezoid(np.maximum(shape, 0.0), x) * 2 / 3
    assert photons.pair_rate(np.array([energy]))[0] == pytest.approx(expected, rel=0.03)


def test_conversion_length_tends_to_nine_sevenths_of_the_radiation_length() -> None:
    assert 1 / photons.pair_rate(np.array([1e5]))[0] == pytest.approx(9 / 7 * RADIATION_LENGTH, rel=0.02)


def test_photons_convert_after_the_length_of_their_rates(shoot) -> None:
    """At 500 MeV pairs are 8 % rarer than at the highest energies and Compton scattering adds 4 %: about 18.7 cm."""
    found = shoot(22, 500.0, 3000).conversion
    expected = 1 / (attenuation(500.0) * DENSITY)
    assert 17.5 < expected < 20
    assert found.mean() == pytest.approx(expected, rel=4 / np.sqrt(len(found)))
    assert found.std() == pytest.approx(expected, rel=0.1)


def test_only_primary_photons_that_convert_inside_have_a_conversion(shoot) -> None:
    from bevatron.simulate.argon.tracking.event import Box

    assert np.isnan(shoot(11, 50.0, 5).conversion).all()
    near = Box((-100, -100, -1), (100, 100, 10))
    found = shoot(22, 500.0, 300, box=near).conversion
    fraction = np.isnan(found).mean()
    assert fraction == pytest.approx(np.exp(-10 * attenuation(500.0) * DENSITY), abs=0.1)
    assert np.nanmax(found) <= 10
