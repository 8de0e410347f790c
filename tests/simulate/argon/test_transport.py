"""The transport as a whole: energy, seeds, walls and mistakes."""

import dataclasses

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.simulate.argon.tracking import transport as module
from bevatron.simulate.argon.tracking.cuts import Cuts
from bevatron.simulate.argon.tracking.event import Box, Deposits, Primaries
from bevatron.simulate.argon.tracking.transport import transport

SMALL = Box((-20.0, -20.0, -5.0), (20.0, 20.0, 60.0))
PARTICLES = (11, -11, 22, 13, -13, 211, -211, 111, 2212, 2112)


def same(one: Deposits, other: Deposits) -> bool:
    fields = dataclasses.fields(Deposits)
    return all(getattr(one, field.name).tobytes() == getattr(other, field.name).tobytes() for field in fields)


def part(deposits: Deposits, event: int) -> tuple[bytes, bytes, bytes]:
    a, b = deposits.offsets[event : event + 2]
    return deposits.segments[a:b].tobytes(), deposits.ids[a:b].tobytes(), deposits.budget[event].tobytes()


@pytest.mark.parametrize("pdg", PARTICLES)
@pytest.mark.parametrize("energy", [0.5, 20.0, 500.0])
def test_energy_is_conserved_event_by_event(shoot, pdg: int, energy: float) -> None:
    """brought = deposited + escaped + neutral + binding + mass, and the segments hold what was deposited."""
    deposits = shoot(pdg, energy, 60, box=SMALL)
    budget = deposits.budget
    assert budget[:, 0] == pytest.approx(energy, rel=1e-9)
    assert budget[:, 1:].sum(1) == pytest.approx(budget[:, 0], rel=1e-6)
    summed = np.add.reduceat(np.append(deposits.segments[:, 7].astype(float), 0.0), deposits.offsets[:-1])
    summed[np.diff(deposits.offsets) == 0] = 0.0
    assert summed == pytest.approx(budget[:, 1], rel=1e-5, abs=1e-5)
    assert (budget[:, 1:4] >= 0).all()


@pytest.mark.parametrize("pdg", PARTICLES)
def test_segments_are_pieces_of_tracks_inside_the_box(shoot, pdg: int) -> None:
    segments, ids = (deposits := shoot(pdg, 500.0, 60, box=SMALL)).segments, deposits.ids
    assert np.isfinite(segments).all()
    for corner in (segments[:, :3], segments[:, 3:6]):
        assert (corner >= np.array(SMALL.low) - 1e-4).all()
        assert (corner <= np.array(SMALL.high) + 1e-4).all()
    chord = np.linalg.norm(segments[:, 3:6] - segments[:, :3], axis=1)
    assert (segments[:, 6] > 0).all()
    assert (segments[:, 6] >= chord - 1e-4).all()
    assert (segments[:, 7] >= 0).all()
    assert (segments[:, 8] >= 0).all()
    assert (ids[:, 3] == 0).all()
    assert (ids[:, 2] < ids[:, 1]).all()  # parents are made before their children
    assert ((ids[:, 2] == -1) == (ids[:, 1] == 0)).all()


def test_the_same_seed_gives_the_same_bytes_and_another_other_events(shoot) -> None:
    first, again, other = (shoot(-211, 400.0, 20, seed=seed) for seed in (3, 3, 4))
    assert same(first, again)
    assert not same(first, other)


def test_an_event_is_the_same_in_whatever_company(shoot, beam) -> None:
    """Alone or among others, before or after them, with little room or much."""
    together, fewer = shoot(11, 300.0, 10), shoot(11, 300.0, 3)
    assert [part(together, event) for event in range(3)] == [part(fewer, event) for event in range(3)]
    alone = dataclasses.replace(beam(11, 300.0, 1), event=np.array([7]))
    lone = transport(alone, 10, Box((-1500.0, -1500.0, -500.0), (1500.0, 1500.0, 3000.0)), Cuts(), 1)
    assert part(lone, 7) == part(together, 7)
    assert lone.offsets.tolist() == [0] * 8 + [len(lone.segments)] * 3


def test_room_grows_as_needed(shoot, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = shoot(22, 800.0, 5)
    monkeypatch.setattr(module, "MAX_ROWS", 100)
    assert same(shoot(22, 800.0, 5), expected)


def test_several_primaries_share_an_event(beam) -> None:
    two = beam(2212, 100.0, 2)
    both = dataclasses.replace(two, event=np.array([0, 0]), pdg=np.array([2212, 13], np.int32))
    deposits = transport(both, 1, SMALL, Cuts(), 1)
    assert set(deposits.ids[:, 3]) == {0, 1}
    for rank, pdg in ((0, 2212), (1, 13)):
        own = (deposits.ids[:, 3] == rank) & (deposits.ids[:, 2] == -1)
        assert set(deposits.ids[own, 0]) == {pdg}
        assert set(deposits.ids[own, 1]) == {rank}


def test_a_primary_from_outside_flies_to_the_box_or_past_it(beam) -> None:
    before = transport(beam(13, 1000.0, 1, place=(1.0, 2.0, -65.0)), 1, SMALL, Cuts(), 1)
    assert before.segments[0, :3] == pytest.approx([1.0, 2.0, -5.0])
    assert before.segments[0, 8] == pytest.approx(60 / 29.979, rel=1e-3)
    beside = transport(beam(13, 1000.0, 1, place=(30.0, 0.0, -10.0)), 1, SMALL, Cuts(), 1)
    assert len(beside.segments) == 0
    assert beside.budget[0] == pytest.approx([1000, 0, 1000, 0, 0, 0])


@pytest.mark.parametrize(("pdg", "column"), [(14, 3), (1000020040, 1)])
def test_neutrinos_leave_and_nuclei_stop_at_once(shoot, pdg: int, column: int) -> None:
    budget = shoot(pdg, 30.0, 3).budget
    assert budget[:, column] == pytest.approx(30.0)


def test_a_smaller_cut_makes_more_tracks_of_the_same_energy(shoot) -> None:
    coarse, fine = (shoot(11, 300.0, 20, electron=cut, photon=cut) for cut in (1.0, 0.1))
    assert fine.ids[:, 1].max() > 1.4 * coarse.ids[:, 1].max()
    assert fine.budget[:, 1].mean() == pytest.approx(coarse.budget[:, 1].mean(), rel=0.02)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"pdg": np.array([321], np.int32)}, "particle 321"),
        ({"momentum": np.array([[0.0, 0.0, 1e8]])}, "beyond the tables"),
        ({"momentum": np.array([[0.0, 0.0, np.nan]])}, "beyond the tables"),
        ({"event": np.array([5])}, "order or range"),
    ],
)
def test_impossible_primaries_are_refused(beam, change: dict, word: str) -> None:
    primaries: Primaries = dataclasses.replace(beam(11, 10.0, 1), **change)
    with pytest.raises(UserError, match=word):
        transport(primaries, 1, SMALL, Cuts(), 1)


def test_a_box_without_volume_is_refused(beam) -> None:
    with pytest.raises(UserError, match="no volume"):
        transport(beam(11, 10.0, 1), 1, Box((0, 0, 0), (1, 0, 1)), Cuts(), 1)
