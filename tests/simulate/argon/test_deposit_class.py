"""The class of each deposit by its ancestry: decays of muons, δ-rays, showers, what neutrons and nuclei make."""

import numpy as np
import pytest

from bevatron.simulate.argon.tracking.cuts import Cuts
from bevatron.simulate.argon.tracking.deposit_class import (
    BLIP,
    CLASSES,
    DELTA,
    MICHEL,
    SHOWER,
    TRACK,
    class_of_child,
    class_of_primary,
)
from bevatron.simulate.argon.tracking.event import Box, Primaries, segment_groups
from bevatron.simulate.argon.tracking.transport import transport

BOX = Box((-300.0, -300.0, -300.0), (300.0, 300.0, 300.0))
ELECTRON, MUON, PHOTON, PION_ZERO, PROTON, NEUTRON, PION, ALPHA = 11, 13, 22, 111, 2212, 2112, 211, 1000020040
MICHEL_ENDPOINT = 52.83  # MeV, total energy of the electron: PDG review, muon decay parameters


def shot(pdg, momentum, n=40, seed=3):
    """n events of one particle that starts along z in the middle of six metres of argon."""
    primaries = Primaries(
        event=np.arange(n),
        pdg=np.full(n, pdg, np.int32),
        origin=np.zeros(n, np.int32),
        position=np.zeros((n, 3)),
        time=np.zeros(n),
        momentum=np.tile([0.0, 0.0, momentum], (n, 1)),
    )
    return transport(primaries, n, BOX, Cuts(), seed)


def energies(deposits):
    """MeV of each class in each event, (n_events, n_classes)."""
    event = np.repeat(np.arange(len(deposits.offsets) - 1), np.diff(deposits.offsets))
    cell = event * len(CLASSES) + deposits.classes
    sums = np.bincount(cell, deposits.segments[:, 7], minlength=(len(deposits.offsets) - 1) * len(CLASSES))
    return sums.reshape(-1, len(CLASSES))


RULES = {
    "electron of the event": (class_of_primary, (ELECTRON,), SHOWER),
    "muon of the event": (class_of_primary, (MUON,), TRACK),
    "neutron of the event": (class_of_primary, (NEUTRON,), BLIP),
    "δ-ray": (class_of_child, (MUON, TRACK, ELECTRON, 5.0), DELTA),
    "photon of a δ-ray": (class_of_child, (ELECTRON, DELTA, PHOTON, 2.0), DELTA),
    "photon of a Michel electron": (class_of_child, (ELECTRON, MICHEL, PHOTON, 9.0), MICHEL),
    "photon of a nucleus": (class_of_child, (PROTON, TRACK, PHOTON, 1.5), BLIP),
    "photon of a captured neutron": (class_of_child, (NEUTRON, BLIP, PHOTON, 4.7), BLIP),
    "electron of that photon": (class_of_child, (PHOTON, BLIP, ELECTRON, 3.0), BLIP),
    "neutron of a pion": (class_of_child, (PION, TRACK, NEUTRON, 80.0), BLIP),
    "slow proton of a neutron": (class_of_child, (NEUTRON, BLIP, PROTON, 12.0), BLIP),
    "fast proton of a neutron": (class_of_child, (NEUTRON, BLIP, PROTON, 120.0), TRACK),
    "slow proton of a pion": (class_of_child, (PION, TRACK, PROTON, 12.0), TRACK),
    "helium nucleus of a slow neutron": (class_of_child, (NEUTRON, BLIP, ALPHA, 5.0), BLIP),
    "neutral pion of a proton": (class_of_child, (PROTON, TRACK, PION_ZERO, 200.0), SHOWER),
    "photon of a neutral pion": (class_of_child, (PION_ZERO, SHOWER, PHOTON, 150.0), SHOWER),
    "electron of a pair": (class_of_child, (PHOTON, SHOWER, ELECTRON, 60.0), SHOWER),
    "muon of a pion": (class_of_child, (PION, TRACK, MUON, 4.1), TRACK),
}


@pytest.mark.parametrize("case", RULES)
def test_a_class_follows_from_parent_and_kind(case):
    rule, arguments, expected = RULES[case]
    assert rule(*map(float, arguments)) == expected


def test_stopping_antimuons_make_a_track_and_a_michel_electron():
    deposits = shot(-MUON, 200.0)
    of_classes = energies(deposits)
    assert (of_classes[:, TRACK] > 90).all()
    michel = of_classes[:, MICHEL]
    assert (michel > 0).all()  # every μ⁺ decays
    annihilation = 2 * 0.511  # of the positron, from the argon's electron
    assert michel.max() < MICHEL_ENDPOINT + annihilation
    # The mean of Michel's spectrum, 0.7 of the endpoint in total energy; a little radiation leaves the six metres.
    assert michel.mean() == pytest.approx(0.7 * MICHEL_ENDPOINT, rel=0.15)
    assert of_classes[:, SHOWER].sum() == 0
    assert of_classes[:, BLIP].sum() == 0
    assert set(np.unique(np.abs(deposits.ids[deposits.classes == MICHEL, 0]))) == {ELECTRON}
    assert set(np.unique(np.abs(deposits.ids[deposits.classes == TRACK, 0]))) == {MUON}


def test_three_quarters_of_the_negative_muons_are_captured():
    """76 % in argon: Suzuki, Measday and Roalsvig (1987), see `track_end`; 300 muons, three standard deviations."""
    with_michel = (energies(shot(MUON, 150.0, n=300))[:, MICHEL] > 0).mean()
    assert abs(with_michel - 0.24) < 3 * np.sqrt(0.24 * 0.76 / 300)


def test_delta_rays_are_electrons_that_a_muon_made():
    deposits = shot(MUON, 1500.0, n=8)
    own = deposits.classes == DELTA
    assert own.any()
    assert set(np.unique(np.abs(deposits.ids[own, 0]))) == {ELECTRON}
    assert energies(deposits)[:, SHOWER].sum() == 0


@pytest.mark.parametrize("pdg", [ELECTRON, PHOTON])
def test_all_of_a_shower_is_shower(pdg):
    assert (shot(pdg, 300.0, n=10).classes == SHOWER).all()


def test_classes_add_up_to_the_energy_deposited():
    deposits = shot(PION, 300.0, n=30)
    np.testing.assert_allclose(energies(deposits).sum(1), deposits.budget[:, 1], rtol=1e-5)
    assert "segment_classes" not in segment_groups(deposits)
    column = segment_groups(deposits, with_classes=True)["segment_classes"].column
    np.testing.assert_array_equal(column.values[:, 0], deposits.classes)
