"""Electromagnetic showers against the parametrisations of the Particle Data Group.

These hold for energies of many critical energies (32.8 MeV): the comparison is made at 3 GeV, not at the 500 MeV of the
images, where the shower is a handful of tracks.
"""

import numpy as np
import pytest

from bevatron.simulate.argon.material import RADIATION_LENGTH

CRITICAL = 32.84  # MeV, PDG
MOLIERE = 12.62 / 1.396  # cm, PDG


@pytest.mark.parametrize(("pdg", "shift"), [(11, -0.5), (22, 0.5)])
def test_showers_are_deepest_where_expected(shoot, pdg: int, shift: float) -> None:
    """t_max = ln(E/Ec) ± 0.5 (PDG review, eq. 34.36), with the maximum of the gamma distribution that has the profile's
    mean and variance: mean - variance / mean."""
    deposits = shoot(pdg, 3000.0, 60)
    depth = (deposits.segments[:, 2] + deposits.segments[:, 5]) / 2 / RADIATION_LENGTH
    energy = deposits.segments[:, 7]
    mean = np.average(depth, weights=energy)
    variance = np.average((depth - mean) ** 2, weights=energy)
    assert mean - variance / mean == pytest.approx(np.log(3000 / CRITICAL) + shift, abs=0.6)


def test_showers_are_as_wide_as_moliere_has_it(shoot) -> None:
    """90 % of the energy within one Molière radius, about 99 % within 3.5 (PDG review, section 34.5)."""
    deposits = shoot(11, 3000.0, 60)
    ends = deposits.segments[:, [0, 1, 3, 4]].reshape(-1, 2, 2)
    radius, energy = np.hypot(*ends.mean(1).T), deposits.segments[:, 7]
    within = [energy[radius < factor * MOLIERE].sum() / energy.sum() for factor in (1, 3.5)]
    assert within[0] == pytest.approx(0.90, abs=0.03)
    assert within[1] == pytest.approx(0.985, abs=0.015)


def test_electrons_radiate_away_their_energy_over_a_radiation_length(shoot) -> None:
    """The electron itself, at 3 GeV, keeps about exp(-t) of its energy; it alone writes the segments of track 0."""
    deposits = shoot(11, 500.0, 200)
    track = deposits.ids[:, 1] == 0
    own = np.array(
        [
            deposits.segments[a:b, 6][track[a:b]].sum()
            for a, b in zip(deposits.offsets, deposits.offsets[1:], strict=False)
        ]
    )
    # An electron that lost E/X0 to photons and Ec/X0 to collisions steadily would go X0 ln(1 + E/Ec).
    assert own.mean() == pytest.approx(RADIATION_LENGTH * np.log1p(500 / CRITICAL), rel=0.15)
