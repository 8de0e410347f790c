"""Shards are named alike everywhere, also those beyond 9,999."""

import re

import numpy as np
import pytest

from bevatron.config.sections.simulation import Simulation
from bevatron.store.files.names import SHARD_NUMBER, raw_shard, sample_shard, shard_number
from bevatron.store.files.verify import verify
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.inspect import inspect
from bevatron.store.shards.manifest import load_manifest, write_manifest


@pytest.mark.parametrize(
    ("number", "name"), [(0, "0000"), (7, "0007"), (9999, "9999"), (10_000, "10000"), (99_999, "99999")]
)
def test_four_digits_and_more_where_they_are_needed(number, name):
    assert shard_number(number) == name
    assert raw_shard(number) == f"shard-{name}.h5"
    assert sample_shard("val", number) == f"val-{name}.h5"
    assert re.fullmatch(SHARD_NUMBER, name)


@pytest.mark.parametrize("name", ["", "0", "000", "00000", "09999", "010000", "-001", "1e04", "abcd"])
def test_other_spellings_of_a_number_are_no_shards(name):
    """Else one shard would have two names, and be made twice."""
    assert not re.fullmatch(SHARD_NUMBER, name)


def test_the_names_are_distinct_and_as_many_shards_may_be_configured():
    source = {"kind": "function", "train": 1, "val": 1, "test": 1}
    most = Simulation.model_validate({"source": source, "shards": 100_000}).shards
    assert len({sample_shard("train", number) for number in range(most)}) == most
    assert int(np.uint64(most - 1) << np.uint64(40)) == (most - 1) << 40  # ids begin with the shard's number


@pytest.mark.parametrize("budget", [1e9, 1], ids=["resident", "streaming"])
def test_readers_take_shards_in_the_order_of_their_numbers(budget, new_dataset):
    """Shards 9,998 to 10,001: by their names alone, train-10000.h5 would come before train-9998.h5."""
    made = new_dataset([300, 200, 100, 50])
    manifest = load_manifest(made.manifest)
    splits = {}
    for split, entries in manifest.splits.items():
        splits[split] = []
        for number, entry in enumerate(entries, 9_998):
            (made.folder / entry.file).rename(made.folder / sample_shard(split, number))
            splits[split].append(entry.model_copy(update={"file": sample_shard(split, number)}))
    renamed = manifest.model_copy(update={"splits": {split: tuple(entries) for split, entries in splits.items()}})
    write_manifest(made.manifest, renamed.with_checksum())
    with open_split(made.manifest, "train", batch_size=64, memory_budget_bytes=budget) as reader:
        read = np.concatenate([batch["id"].numpy().copy() for batch in reader.epoch(0, 0, shuffle=False)])
    assert np.array_equal(read, np.arange(650))
    assert verify(made.manifest) == []
    assert "650" in inspect(made.manifest)
    (made.folder / "train-10001.h5").unlink()
    assert [problem.split(":")[0] for problem in verify(made.manifest)] == [str(made.folder / "train-10001.h5")]
