"""Tracks: ranges, energy loss, scattering and δ-rays against closed forms and tables."""

import numpy as np
import pytest

from bevatron.simulate.argon.electromagnetic.stopping import density_effect, maximum_transfer
from bevatron.simulate.argon.tracking.event import Box, Deposits
from bevatron.simulate.argon.tracking.material import DENSITY, ELECTRON_MASS, EXCITATION, RADIATION_LENGTH, XI
from bevatron.simulate.argon.tracking.particles import MUON_MASS


def primaries_alone(deposits: Deposits) -> list[np.ndarray]:
    """The segments of track 0, event by event."""
    pieces = zip(deposits.offsets, deposits.offsets[1:], strict=False)
    return [deposits.segments[a:b][deposits.ids[a:b, 1] == 0] for a, b in pieces]


@pytest.mark.parametrize(("pdg", "energy", "expected"), [(-13, 100, 42.50), (13, 300, 172.5), (2212, 50, 3.208)])
def test_particles_stop_after_their_published_range(shoot, pdg: int, energy: float, expected: float) -> None:
    """Muons: Groom et al. (2001); protons: PSTAR; g/cm². Protons that met a nucleus count for little at 50 MeV."""
    lengths = np.array([track[:, 6].sum() for track in primaries_alone(shoot(pdg, float(energy), 150))])
    assert np.median(lengths) == pytest.approx(expected / DENSITY, rel=0.015)


def test_most_probable_loss_is_landaus(shoot) -> None:
    """1 GeV muons in steps of 3 mm, δ-rays within: PDG review, eq. 34.12."""
    slab = Box((-100, -100, -1), (100, 100, 30))
    segments = np.concatenate(primaries_alone(shoot(13, 1000.0, 300, box=slab, electron=200.0)))
    losses = segments[np.isclose(segments[:, 6], 0.3)][:, 7]
    gamma = 1 + 985 / MUON_MASS  # in the middle of the slab
    beta2 = 1 - gamma**-2
    xi = XI * 0.3 / beta2
    bracket = np.log(2 * ELECTRON_MASS * beta2 * gamma**2 / EXCITATION) + np.log(xi / EXCITATION) + 0.200 - beta2
    expected = xi * (bracket - density_effect(np.sqrt(gamma**2 - 1)))
    counts, edges = np.histogram(losses, 60, (0.6 * expected, 1.6 * expected))
    centres = (edges[1:] + edges[:-1]) / 2
    near = counts > 0.6 * counts.max()
    top = np.polynomial.Polynomial.fit(centres[near], counts[near], 3).deriv().roots()
    mode = min(top.real, key=lambda root: abs(root - centres[counts.argmax()]))
    assert mode == pytest.approx(expected, rel=0.02)
    quarter, middle, most = np.quantile(losses, [0.25, 0.5, 0.99])
    assert most - middle > 5 * (middle - quarter)  # the tail


def test_scattering_over_a_radiation_length_is_highlands(shoot) -> None:
    """θ0 = 13.6 MeV / βcp in a plane, and sideways θ0 x / √3, of the central 98 % (PDG review, eqs. 34.16 and
    34.20)."""
    box = Box((-100, -100, -1), (100, 100, RADIATION_LENGTH))
    last = np.array([track[-1] for track in primaries_alone(shoot(13, 1000.0, 1500, box=box))])
    momentum, beta = 1072.0, 0.995  # at 985 MeV, in the middle
    expected = 13.6 / (beta * momentum)
    sideways = np.sort(np.abs(np.concatenate([last[:, 3], last[:, 4]])))
    central = sideways[: int(0.98 * len(sideways))]
    assert np.sqrt((central**2).mean()) == pytest.approx(expected * RADIATION_LENGTH / np.sqrt(3), rel=0.05)


def test_delta_rays_are_as_many_as_expected(shoot) -> None:
    """Of 1 GeV muons above 1 MeV: PDG review, eq. 34.8, integrated."""
    length = 50.0
    box = Box((-100, -100, -1), (100, 100, length))
    deposits = shoot(13, 1000.0, 300, box=box)
    rays = {(event, row[1]) for event, row in events_and_rows(deposits) if row[0] == 11 and row[2] == 0}
    most, gamma = maximum_transfer(np.array([950.0]), MUON_MASS)[0], 1 + 950 / MUON_MASS
    beta2 = 1 - gamma**-2
    expected = 300 * length * XI / beta2 * (1 - 1 / most - beta2 / most * np.log(most))
    assert len(rays) == pytest.approx(expected, abs=4 * np.sqrt(expected))


def events_and_rows(deposits: Deposits):
    event = np.repeat(np.arange(len(deposits.offsets) - 1), np.diff(deposits.offsets))
    return zip(event.tolist(), deposits.ids.tolist(), strict=True)


def test_a_deuteron_stops_after_twice_the_range_of_a_proton_as_fast(shoot) -> None:
    """PSTAR: 3.208 g/cm² at 50 MeV; it leaves the energy as it slows down, and most at its end."""
    track = primaries_alone(shoot(1000010020, 100.0, 1))[0]
    assert track[:, 6].sum() == pytest.approx(2 * 3.208 / DENSITY, rel=0.02)
    assert track[:, 7].sum() == pytest.approx(100.0)
    assert track[-1, 7] / track[-1, 6] > 2 * track[0, 7] / track[0, 6]


def test_a_slowing_proton_leaves_most_at_its_end(shoot) -> None:
    """The Bragg peak: dE/dx rises many times over the last cm."""
    for track in primaries_alone(shoot(2212, 100.0, 5)):
        loss = track[:, 7] / track[:, 6]
        assert loss[-1] > 10 * loss[:5].mean()
        assert track[-1, 6] < 0.05
