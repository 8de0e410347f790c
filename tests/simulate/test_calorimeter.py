"""The simulated calorimeter, against the numbers of the card that it follows and against closed forms."""

import numpy as np
import pytest

from bevatron.simulate.collisions.calorimeter import (
    ETA_EDGES,
    TOWERS_AROUND,
    cluster_calorimeter_jets,
    energy_fractions,
    energy_scale,
    hcal_resolution,
    log_normal,
    measure_towers,
    position_at_calorimeter,
)
from bevatron.simulate.collisions.event_jets import JetOptions, build_jet_samples
from bevatron.simulate.collisions.particles import Particles

PION, PHOTON, MUON = 211, 22, 13


def event_of(rows, offsets=None):
    """Particles of (pdg_id, pt, eta, phi), massless, all stable; their charges and entries."""
    pdg_id, pt, eta, phi = (np.array(column) for column in zip(*rows, strict=True))
    nothing = np.zeros(len(rows), int)
    particles = Particles(
        offsets=np.array([0, len(rows)] if offsets is None else offsets),
        pdg_id=pdg_id,
        status=nothing + 1,
        mother=nothing,
        daughter=nothing,
        px=pt * np.cos(phi),
        py=pt * np.sin(phi),
        pz=pt * np.sinh(eta),
        energy=pt * np.cosh(eta),
        vertex=np.zeros((len(rows), 3)),
    )
    charges = np.where(np.abs(pdg_id) == PHOTON, 0, 3 * np.sign(pdg_id))
    return particles, charges, np.arange(len(rows))


def random(seed=1):
    return np.random.default_rng(seed)


def test_towers_are_those_of_the_card():
    """10 degrees around for -2.6 < eta < 2.6, 20 degrees beyond, 0.1 wide in eta within 2.5; reach 4.9."""
    assert (ETA_EDGES[0], ETA_EDGES[-1]) == (-4.9, 4.9)
    middle = (ETA_EDGES[1:] + ETA_EDGES[:-1]) / 2
    assert (TOWERS_AROUND[np.abs(middle) < 2.6] == 36).all()
    assert (TOWERS_AROUND[np.abs(middle) > 3.3] == 18).all()
    inner = ETA_EDGES[np.abs(ETA_EDGES) < 2.55]
    np.testing.assert_allclose(np.diff(inner), 0.1)


def test_a_charged_particle_bends_by_half_the_angle_of_its_chord():
    """sin(Δφ) = R / 2ρ with ρ[m] = pt / 0.3 B, clockwise for a positive charge; a photon goes straight."""
    particles, charges, entries = event_of([(PION, 2.0, 0.3, 0.5), (-PION, 2.0, 0.3, 0.5), (PHOTON, 2.0, 0.3, 0.5)])
    eta, phi = position_at_calorimeter(particles, charges, entries)
    bend = np.arcsin(1.15 * 0.299792458 * 2.0 / (2 * 2.0))
    np.testing.assert_allclose(phi, [0.5 - bend, 0.5 + bend, 0.5], atol=1e-9)
    assert eta[2] == pytest.approx(0.3)
    assert eta[0] == eta[1] > 0.3  # the path is longer than the radius
    assert np.sinh(eta[0]) == pytest.approx(np.sinh(0.3) * bend / np.sin(bend))


def test_a_soft_particle_leaves_at_an_end():
    """Radius of 0.25 GeV in 2 T: 417 mm, so it does not reach 1150 mm; its helix is followed in steps."""
    particles, charges, entries = event_of([(PION, 0.25, 0.7, 3.0)])
    eta, phi = position_at_calorimeter(particles, charges, entries)
    radius = 0.25 / (0.299792458e-3 * 2.0)
    turn = 3510.0 / (radius * np.sinh(0.7))
    x = radius * (np.sin(3.0) - np.sin(3.0 - turn))
    y = radius * (np.cos(3.0 - turn) - np.cos(3.0))
    assert phi[0] == pytest.approx(np.arctan2(y, x), abs=1e-6)
    assert eta[0] == pytest.approx(np.arcsinh(3510.0 / np.hypot(x, y)), rel=1e-6)


def test_energy_goes_where_the_card_says():
    electromagnetic, hadronic = energy_fractions(np.array([11, -22, 211, 13, 14, 310, -3122, 2112]))
    np.testing.assert_allclose(electromagnetic, [1, 1, 0, 0, 0, 0.3, 0.3, 0])
    np.testing.assert_allclose(hadronic, [0, 0, 1, 0, 0, 0.7, 0.7, 1])


def test_resolutions_are_those_of_the_card():
    np.testing.assert_allclose(
        hcal_resolution(np.array([0.0, 2.0, 4.0]), np.full(3, 100.0)),
        [
            np.sqrt(100**2 * 0.0302**2 + 100 * 0.5205**2 + 1.59**2),
            np.sqrt(100**2 * 0.05**2 + 100 * 0.706**2),
            np.sqrt(100**2 * 0.0942**2 + 100),
        ],
    )


def test_log_normal_energies_have_the_mean_and_the_spread():
    mean, sigma = np.full(200_000, 30.0), np.full(200_000, 5.0)
    values = log_normal(mean, sigma, random())
    assert values.mean() == pytest.approx(30.0, abs=4 * 5.0 / np.sqrt(200_000))
    assert values.std() == pytest.approx(5.0, rel=0.01)
    assert not log_normal(np.zeros(5), sigma[:5], random()).any()


def test_a_hard_pion_is_one_tower_of_its_energy():
    rows = [(PION, 200.0, 0.55, 0.3)] * 2000
    particles, charges, entries = event_of(rows, np.arange(2001))
    towers, hits = measure_towers(particles, charges, entries, random())
    assert (np.diff(towers.offsets) == 1).all()
    assert hits.values.tolist() == list(range(2000))
    energy = 200.0 * np.cosh(0.55)
    sigma = np.sqrt((0.0302 * energy) ** 2 + 0.5205**2 * energy + 1.59**2)
    assert towers.energy.mean() == pytest.approx(energy, abs=4 * sigma / np.sqrt(2000))
    assert towers.energy.std() == pytest.approx(sigma, rel=0.07)
    eta = np.arctanh(towers.pz / towers.energy)
    assert eta.min() >= 0.5
    assert eta.max() <= 0.6
    assert eta.std() == pytest.approx(0.1 / np.sqrt(12), rel=0.05)  # uniform in the tower


def test_soft_and_invisible_particles_make_no_tower():
    particles, charges, entries = event_of([(PHOTON, 0.1, 0.05, 0.1), (MUON, 50.0, 1.05, 1.0), (PHOTON, 9.0, 5.5, 0.0)])
    towers, hits = measure_towers(particles, charges, entries, random())
    assert len(towers.px) == len(hits) == 0


def test_no_particle_no_jet():
    particles, charges, _ = event_of([(PHOTON, 50.0, 0.0, 0.0)], [0, 0, 1])
    jets = cluster_calorimeter_jets(particles, charges[:0], np.zeros(0, int), 0.4, 20.0, random())
    assert len(jets) == 0


def test_jets_of_towers_are_scaled_and_name_the_particles_that_hit_them():
    rows = [(PION, 60.0, 0.55, 0.3), (PHOTON, 30.0, 0.55, 0.4), (PHOTON, 40.0, -1.0, -2.0), (PION, 3.0, 2.0, 3.0)]
    particles, charges, entries = event_of(rows)
    jets = cluster_calorimeter_jets(particles, charges, entries, 0.4, 20.0, random())
    towers, _ = measure_towers(particles, charges, entries, random())
    members = [
        set(jets.constituents.values[a:b].tolist())
        for a, b in np.stack([jets.constituents.offsets[:-1], jets.constituents.offsets[1:]], 1)
    ]
    assert members == [{0, 1}, {2}]
    assert jets.rank.tolist() == [0, 1]
    second = np.hypot(towers.px, towers.py)[towers.pz < 0]
    assert jets.pt[1] == pytest.approx(second[0] * energy_scale(second, np.array([jets.eta[1]]))[0])


def test_the_scale_is_the_cards():
    assert energy_scale(np.array([20.0]), np.array([-1.0]))[0] == pytest.approx(np.sqrt(2.8**2 / 20 + 1))


def test_jets_of_a_source_start_where_the_published_ones_do(collisions):
    """The published data set's smallest pt is 22.9141 GeV (A. Stein's notebooks): 20 GeV of towers, at |eta| = 2.5."""
    least = 20.0 * energy_scale(np.array([20.0]), np.array([2.5]))[0]
    assert least == pytest.approx(22.9141, abs=0.005)
    source = collisions()
    options = JetOptions(kind="jets", calorimeter=True)
    samples = build_jet_samples(next(source.batches(100)), source.charges, options, 0, 0, random())
    assert samples.inputs["jet"].column.values[:, 0].min() > least - 1e-4
    members = samples.inputs["constituents"].column
    assert (members.lengths > 0).all()
    again = collisions()
    repeated = build_jet_samples(next(again.batches(100)), again.charges, options, 0, 0, random())
    assert repeated.inputs["jet"].column.values.tobytes() == samples.inputs["jet"].column.values.tobytes()
