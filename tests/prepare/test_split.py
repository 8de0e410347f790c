"""Splits: the fractions asked for, whole events, and no dependence on shards."""

import numpy as np
import pytest

from bevatron.config.sections.dataset import SplitFractions
from bevatron.raw.split import rows_by_split, uniform
from bevatron.store.shards.columns import Samples

SHARES = SplitFractions(train=0.7, val=0.1, test=0.2)


def raw(events, **targets):
    events = np.asarray(events, np.uint64)
    return Samples({}, {"event": events} | targets, np.arange(len(events), dtype=np.uint64))


def test_splitmix64_gives_its_published_first_numbers():
    """The generator seeded with 0 hashes 0, γ, 2γ …; its first outputs are widely quoted test vectors."""
    gamma = np.uint64(0x9E3779B97F4A7C15)
    states = np.arange(3, dtype=np.uint64) * gamma
    vectors = np.array([0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F], np.uint64)
    assert uniform(states).tolist() == ((vectors >> np.uint64(11)) / 2.0**53).tolist()


@pytest.mark.parametrize("shard", [0, 1, 9_999])
def test_shares_are_as_asked_for_in_every_shard(shard):
    n = 50_000
    rows = rows_by_split(raw((np.uint64(shard) << np.uint64(32)) + np.arange(n, dtype=np.uint64)), SHARES)
    for name, fraction in SHARES.model_dump().items():
        assert len(rows[name]) == pytest.approx(n * fraction, abs=5 * np.sqrt(n * fraction * (1 - fraction)))


def test_every_sample_is_in_one_split():
    rows = rows_by_split(raw(np.arange(1000) // 3), SHARES)
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(1000))


def test_all_jets_of_an_event_go_together():
    events = np.arange(3000) // 3
    rows = rows_by_split(raw(events), SHARES)
    found = [set(events[rows[name]].tolist()) for name in ("train", "val", "test")]
    assert not found[0] & found[1]
    assert not found[0] & found[2]
    assert not found[1] & found[2]


def test_an_event_goes_the_same_way_in_whatever_company():
    whole, alone = rows_by_split(raw(np.arange(1000)), SHARES), rows_by_split(raw([617]), SHARES)
    for name in whole:
        assert (617 in whole[name]) == (len(alone[name]) == 1)


def test_neighbouring_events_are_independent():
    drawn = uniform(np.arange(100_000, dtype=np.uint64)) - 0.5
    assert abs(np.mean(drawn[1:] * drawn[:-1]) * 12) < 5 / np.sqrt(100_000)


def test_a_fixed_split_overrules_the_shares():
    rows = rows_by_split(raw(np.arange(6), split=np.array([2, 0, 1, 1, 0, 0])), SHARES)
    assert {name: found.tolist() for name, found in rows.items()} == {
        "train": [1, 4, 5],
        "val": [2, 3],
        "test": [0],
    }
