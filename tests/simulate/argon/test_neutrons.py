"""Neutrons in liquid argon: published cross-sections, attenuation, γ cascade, and energy that is conserved exactly."""

import numba
import numpy as np
import pytest

from bevatron.simulate.argon.hadronic.nuclear import interact
from bevatron.simulate.argon.neutral.capture_cascade import MAX_PHOTONS, sample_cascade
from bevatron.simulate.argon.neutral.neutron_breakup import break_up
from bevatron.simulate.argon.neutral.neutron_rates import (
    ALPHA_OUT,
    CAPTURE,
    ELASTIC,
    INELASTIC,
    PROTON_OUT,
    TOTAL,
    TWO_NEUTRONS,
    cross_sections,
)
from bevatron.simulate.argon.neutral.neutron_transport import scatter_elastically
from bevatron.simulate.argon.tracking.event import Box
from bevatron.simulate.argon.tracking.stack import COLUMNS, KINETIC, PDG, UX, UZ, WorkArrays

NEUTRON, ARGON = 2112, 1000180400
PER_BARN = 1.396 / 39.948 * 0.602214076  # 1/cm
SEPARATION = 6.0989  # MeV, of a neutron from ⁴¹Ar
HUGE = Box((-3e4, -3e4, -3e4), (3e4, 3e4, 3e4))


def barns(kinetic, channel):
    return cross_sections(np.atleast_1d(np.asarray(kinetic, float)))[:, channel] / 1000


@numba.njit
def seeded(seed):
    np.random.seed(seed)


def slab(length):
    return Box((-5e3, -5e3, -5e3), (5e3, 5e3, length))


def uncollided(shoot, kinetic, length, n):
    """The fraction of neutrons that leave a slab with all their energy."""
    budget = shoot(NEUTRON, kinetic, n, box=slab(length)).budget
    return (budget[:, 2] >= budget[:, 0] * (1 - 1e-12)).mean()


def test_thermal_cross_sections():
    """At 2200 m/s: capture 673 ± 26 ± 59 mb (ACED, arXiv:1902.00596); scattering of bound natural argon 0.683 ± 0.004 b
    (V. F. Sears, Neutron News 3 (1992) 26), of free atoms (40/41)² of it, to 3 %."""
    assert barns(2.53e-8, CAPTURE)[0] == pytest.approx(0.673, abs=0.065)
    assert barns(2.53e-8, ELASTIC)[0] == pytest.approx(0.683 * (40 / 41) ** 2, rel=0.03)


def test_capture_at_30_kev():
    """Mean over a Maxwellian of kT = 30 keV: 2.55 ± 0.10 mb (KADoNiS); evaluations have 2.2 to 2.5, so to 20 %."""
    energy = np.geomspace(1e-5, 1.0, 20_000)
    weight = energy**2 * np.exp(-energy / 0.03)  # of log energy
    mean = 2 / np.sqrt(np.pi) * (barns(energy, CAPTURE) * weight).sum() / weight.sum()
    assert mean * 1000 == pytest.approx(2.55, rel=0.2)


def test_the_antiresonance():
    """ENDF has it at 57 keV; ARTIE (arXiv:2212.05448) confirms a deep minimum, and the resonance at 77 keV is near."""
    energy = np.linspace(0.03, 0.1, 2_000)
    total = barns(energy, TOTAL)
    assert energy[total.argmin()] == pytest.approx(0.057, abs=0.002)
    assert total.min() < 0.05
    assert energy[total.argmax()] == pytest.approx(0.077, abs=0.002)


def test_fast_cross_sections():
    """(n,2n) 610 ± 100 mb at 14.8 MeV (arXiv:2512.18433); total 0.91 ± 0.10 ± 0.09 b over 100 to 800 MeV (CAPTAIN,
    arXiv:1903.05276); reactions at 1 GeV by the nuclear interaction length, 85.7 cm (PDG), to 5 %."""
    assert barns(14.8, TWO_NEUTRONS)[0] == pytest.approx(0.610, abs=0.1)
    assert barns(np.linspace(100, 800, 701), TOTAL).mean() == pytest.approx(0.91, abs=0.135)
    assert 1 / (barns(1000.0, INELASTIC)[0] * PER_BARN) == pytest.approx(85.7, rel=0.05)


def test_channels_open_at_their_thresholds_and_add_up():
    """Masses of the nuclei (AME 2020): 1.497, 10.12, 6.87 and 2.56 MeV."""
    for channel, threshold in ((INELASTIC, 1.497), (TWO_NEUTRONS, 10.12), (PROTON_OUT, 6.87), (ALPHA_OUT, 2.56)):
        assert barns(threshold - 0.01, channel)[0] == 0
        assert barns(threshold + 0.5, channel)[0] > 0
    found = cross_sections(np.geomspace(1e-8, 1e4, 3_000))
    assert (found >= 0).all()
    np.testing.assert_allclose(found[:, ELASTIC:].sum(1), found[:, TOTAL], rtol=1e-12)


def test_attenuation(shoot):
    """CAPTAIN's cross-section is an attenuation length of 52 cm, to 15 %; at 57 keV neutrons cross metres (ARTIE)."""
    n, length = 4_000, 30.0
    crossed = [uncollided(shoot, energy, length, n // 4) for energy in (150.0, 300.0, 500.0, 700.0)]
    assert -length / np.log(np.mean(crossed)) == pytest.approx(1 / (0.91 * PER_BARN), rel=0.15)
    assert uncollided(shoot, 0.057, 300.0, 200) > 0.9
    assert uncollided(shoot, 0.077, 5.0, 200) < 0.1  # 1.3 cm at the resonance


def test_elastic_scattering_has_the_mean_loss_of_its_kinematics():
    """Isotropic at low energy: 2A/(A + 1)² on average, 4A/(A + 1)² at most; no loss of energy to rounding."""
    seeded(1)
    work = arrays()
    ratio, particle = 39.9624 * 931.494 / 939.56542, row(1e-3)
    losses = []
    for _ in range(2_000):
        particle[KINETIC] = 1e-3
        scatter_elastically(particle, work)
        assert np.linalg.norm(particle[UX : UZ + 1]) == pytest.approx(1, abs=1e-9)
        losses.append(1 - particle[KINETIC] / 1e-3)
    most = 4 * ratio / (ratio + 1) ** 2
    assert max(losses) <= most * (1 + 1e-9)
    assert np.mean(losses) == pytest.approx(most / 2, rel=0.05)
    assert work.budget[0, 3] == pytest.approx(1e-3 * sum(losses), rel=1e-9)  # recoils too slow to be seen


@pytest.mark.parametrize("channel", [INELASTIC, TWO_NEUTRONS, PROTON_OUT, ALPHA_OUT])
def test_reactions_conserve_energy_and_momentum(channel):
    """Of neutron, particles and nucleus; the photons', of some MeV/c, is left out."""
    seeded(2)
    for kinetic in (12.0, 15.0, 19.9):
        for _ in range(200):
            work, particle = arrays(), row(kinetic)
            break_up(particle, channel, work)
            out = work.stack[: work.counts[0]]
            spent = out[:, KINETIC].sum() + work.budget[0].sum()
            assert spent == pytest.approx(kinetic, rel=1e-10)
            if not (out[:, PDG] == ARGON).any():
                continue  # the nucleus was too slow to be on the stack
            mass = np.select(
                [out[:, PDG] == code for code in (22, NEUTRON, 2212, 1000020040)], [0, 1, 0.99862, 3.967], 39.62
            )
            if channel != INELASTIC:
                mass[out[:, PDG] == ARGON] -= {TWO_NEUTRONS: 1.0, PROTON_OUT: -0.00138, ALPHA_OUT: 2.967}[channel]
            momentum = (np.sqrt(2 * mass * out[:, KINETIC])[:, None] * out[:, UX : UZ + 1]).sum(0)
            np.testing.assert_allclose(momentum, [0, 0, np.sqrt(2 * kinetic)], atol=0.02)


def test_a_fast_neutron_breaks_nuclei_up_as_a_proton_does():
    seeded(3)
    for kinetic in (20.0, 60.0, 200.0, 800.0):
        for _ in range(200):
            out = np.zeros((64, 5))
            n, binding, mass = interact(NEUTRON, kinetic, np.array([0.0, 0.0, 1.0]), out)
            assert out[:n, 1].sum() + binding + mass == pytest.approx(kinetic, rel=1e-9)


def test_the_cascade_has_its_lines():
    """Per 100 captures (Nucl. Data Sheets 133 (2016) 1): 0.167 MeV 74, 1.187 MeV 48.5, 0.516 MeV 23.5. Levels are fed
    by the main lines alone, so to 20 %. The sum is the separation energy, 6.0989 MeV."""
    seeded(4)
    n, lines = 6_000, []
    for _ in range(n):
        photons = np.empty(MAX_PHOTONS)
        found = photons[: sample_cascade(1e-9, photons)]
        assert found.sum() == pytest.approx(SEPARATION, rel=1e-8)
        lines.append(found.copy())
    found = np.concatenate(lines)
    for energy, intensity in ((0.1673, 0.74), (1.1866, 0.485), (0.5161, 0.235)):
        assert (np.abs(found - energy) < 5e-4).sum() / n == pytest.approx(intensity, rel=0.2)


def test_slow_neutrons_are_captured_in_time(shoot):
    """After 1 / (n σ v) = 0.33 ms on average, at any energy where σ v is constant: 660 to 673 mb at 2200 m/s."""
    n = 400
    deposits = shoot(NEUTRON, 1e-6, n, box=HUGE)
    captured = np.diff(deposits.offsets) > 0
    assert captured.mean() > 0.98  # the others would be later than 2.3 ms
    assert deposits.budget[captured, 4] == pytest.approx(-SEPARATION, abs=1e-9)
    assert deposits.budget[captured, 1] == pytest.approx(SEPARATION, abs=1e-3)
    first = np.minimum.reduceat(deposits.segments[:, 8], deposits.offsets[:-1][captured])
    assert first.mean() == pytest.approx(1e9 / (PER_BARN * 0.667 * 2.2e5), rel=4 / np.sqrt(n))
    assert deposits.ids[:, 4].all()  # all of it comes from the neutron


def test_inelastic_scattering_gives_the_line_of_argon(shoot):
    """Below 1.497 MeV there are no photons but those of capture; of 2 MeV each reaction leaves 1.4608 MeV."""
    below, above = (shoot(NEUTRON, energy, 300, box=Box((-300,) * 3, (300,) * 3)) for energy in (1.4, 2.0))
    dark = below.budget[below.budget[:, 4] == 0, 1]
    assert dark.max() < 0.8  # nuclei of up to 10 % of the neutron's energy
    deposited = above.budget[above.budget[:, 4] == 0, 1]
    lit = deposited[deposited > 1.0]
    assert len(lit) > 0.3 * len(deposited)
    assert lit.min() == pytest.approx(1.4608, abs=2e-3)  # where no nucleus was fast enough to be seen beside


@pytest.mark.parametrize("pdg", [11, 22, 13, -211, 211, 2212, NEUTRON])
def test_energy_is_conserved_at_any_energy(shoot, pdg):
    """Property: over ten decades for neutrons, three for the others, small boxes and large ones, event by event."""
    random = np.random.default_rng(pdg & 0xFFFF)
    lowest = -8 if pdg == NEUTRON else 0
    for seed in range(6):
        energy = 10.0 ** random.uniform(lowest, 3)
        half = 10.0 ** random.uniform(1, 3.5)
        budget = shoot(pdg, energy, 15, box=Box((-half,) * 3, (half,) * 3), seed=seed).budget
        moved = np.abs(budget).sum(1)
        assert (np.abs(budget[:, 1:].sum(1) - budget[:, 0]) < 1e-12 * moved).all()
        assert (budget[:, 1:4] >= 0).all()


def test_what_a_captured_pion_gives_to_neutrons_is_followed(shoot):
    """No neutrinos: only neutrons that stop and slow nuclei keep energy, of 140 MeV less than a tenth."""
    budget = shoot(-211, 1.0, 100).budget
    assert budget[:, 3].mean() < 14.0


def test_only_what_comes_from_neutrons_says_so(shoot):
    assert not shoot(-13, 50.0, 20).ids[:, 4].any()
    pions = shoot(-211, 20.0, 40)
    own = pions.ids[:, 2] < 0
    assert not pions.ids[own, 4].any()
    assert pions.ids[:, 4].any()


def arrays():
    return WorkArrays(
        np.zeros((200, COLUMNS)),
        np.zeros(4, np.int64),
        np.zeros((10, 9), np.float32),
        np.zeros((10, 5), np.int32),
        np.zeros((1, 6)),
        np.array([[-1e3] * 3, [1e3] * 3]),
        np.empty((64, 5)),
    )


def row(kinetic):
    particle = np.zeros(COLUMNS)
    particle[PDG], particle[KINETIC], particle[UZ] = NEUTRON, kinetic, 1.0
    return particle
