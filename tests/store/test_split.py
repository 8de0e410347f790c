"""How a split is read is told from the manifest alone, and the readers do as it says."""

from math import prod

import numpy as np
import pytest

from bevatron.store.readers.reader import open_split
from bevatron.store.readers.split import chunks_of, describe, reading_order
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import Shard

SELECTIONS = [None, ["jets"], ["tracks"], ["hits"], ["image"], ["jets", "image"]]


@pytest.mark.parametrize("groups", SELECTIONS, ids=str)
@pytest.mark.parametrize("split", ["train", "val"])
def test_size_and_chunks_are_those_of_the_files(dataset, groups, split):
    chosen = describe(dataset.manifest, split, groups)
    size, elements = 0, {}
    for entry in chosen.entries:
        with Shard(dataset.folder / entry.file) as shard:
            found = {name: shard.dataset(name) for name in chosen.selection.datasets()}
            size += sum(prod(data.shape) * data.dtype.itemsize for data in found.values())
            chunks = {name: data.chunks[0] if data.chunks else None for name, data in found.items()}
            assert chunks_of(chosen, entry) == chunks
            for name, info in chosen.selection.groups.items():
                if info.layout != "dense":
                    part = found[f"inputs/{name}/{'values' if info.layout == 'ragged' else 'value'}"]
                    elements[f"inputs/{name}"] = elements.get(f"inputs/{name}", 0) + len(part)
    assert chosen.bytes == size
    assert chosen.elements == elements


def test_no_shard_is_opened(dataset, tmp_path):
    alone = tmp_path / "manifest.json"
    alone.write_bytes(dataset.manifest.read_bytes())
    assert describe(alone, "train").bytes == describe(dataset.manifest, "train").bytes


@pytest.mark.parametrize("groups", SELECTIONS, ids=str)
def test_the_readers_read_in_the_order_that_was_told(dataset, groups):
    """At random budgets around the split's size, and at the sizes where the answer changes."""
    chosen = describe(dataset.manifest, "train", groups)
    rng = np.random.default_rng(5)
    budgets = [chosen.bytes - 1, chosen.bytes, *(chosen.bytes * rng.uniform(0.001, 1.2, 12))]
    seen = set()
    for budget in budgets:
        rows, blocks = int(rng.integers(1, 3000)), int(rng.integers(1, 9))
        told = reading_order(chosen, budget, rows, blocks)
        settings = {"memory_budget_bytes": budget, "block_rows": rows, "buffer_blocks": blocks}
        with open_split(dataset.manifest, "train", batch_size=10, groups=groups, **settings) as reader:
            assert str(told) == reader.order
        assert told.is_streamed == (chosen.bytes > budget)
        seen.add(told.is_streamed)
    assert seen == {True, False}


def test_two_orders_with_the_same_words_are_the_same_order(dataset):
    """Settings that change nothing give the same words, and those that change the order other words."""
    manifest = load_manifest(dataset.manifest)
    assert manifest.n_samples("train") == 1777

    def read(budget, rows, blocks):
        chosen = {"memory_budget_bytes": budget, "block_rows": rows, "buffer_blocks": blocks}
        with open_split(dataset.manifest, "train", batch_size=50, groups=["jets"], **chosen) as reader:
            ids = [batch["id"].clone().numpy() for batch in reader.epoch(3, 1)]
            return reader.order, np.concatenate(ids).tobytes()

    small = describe(dataset.manifest, "train", ["jets"]).bytes - 1
    told = {}
    for budget in (4e9, 8e9, small, small // 2, small // 50):
        for rows in (16, 17, 64, 16_000):
            for blocks in (2, 8):
                order, ids = read(budget, rows, blocks)
                assert told.setdefault(order, ids) == ids, order
    assert len(told) > 5
    assert len(set(told.values())) == len(told)
