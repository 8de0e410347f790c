"""A dataset on disk as one object: its shards are those of its manifest, checked when they are asked for."""

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.store.readers.reader import open_split
from bevatron.store.readers.split import describe, split_of
from bevatron.store.shards.dataset import load_dataset
from bevatron.store.shards.manifest import load_manifest


def test_it_is_loaded_from_its_manifest(dataset):
    loaded = load_dataset(dataset.manifest)
    assert loaded.manifest == load_manifest(dataset.manifest)
    assert loaded.manifest_path == dataset.manifest
    assert loaded.folder == dataset.manifest.parent


def test_another_configuration_is_refused(dataset):
    with pytest.raises(UserError, match="another configuration"):
        load_dataset(dataset.manifest, "0" * 64)


def test_shards_come_in_the_manifest_s_order(new_dataset):
    loaded = load_dataset(new_dataset([30, 20]).manifest)
    assert loaded.check_shards("train") == [loaded.folder / "train-0000.h5", loaded.folder / "train-0001.h5"]
    lengths = [len(shard) for shard in loaded.open_shards("train")]
    assert lengths == [entry.samples for entry in loaded.manifest.splits["train"]]


def test_a_changed_shard_is_refused(new_dataset):
    loaded = load_dataset(new_dataset([30]).manifest)
    path = loaded.folder / "val-0000.h5"
    path.write_bytes(path.read_bytes()[:-1])
    loaded.check_shards("train")
    with pytest.raises(UserError, match=r"val-0000\.h5: has \d+ bytes"):
        loaded.check_shards("val")
    with pytest.raises(UserError, match=r"val-0000\.h5"):
        next(loaded.open_shards("val"))


@pytest.mark.parametrize(
    ("groups", "targets", "message"),
    [(["jets", "cells"], [], "has no input group 'cells'; it has: hits,"), (["jets"], ["mass"], "no target 'mass'")],
)
def test_names_that_it_does_not_have_are_refused(dataset, groups, targets, message):
    loaded = load_dataset(dataset.manifest)
    loaded.check_names(["jets"], ["flavour"])
    with pytest.raises(UserError, match=message):
        loaded.check_names(groups, targets)


def test_a_split_is_the_same_from_a_path(dataset):
    loaded = load_dataset(dataset.manifest)
    assert split_of(loaded, "train", ["jets"]) == describe(dataset.manifest, "train", ["jets"])
    ids = []
    for source in (loaded, dataset.manifest):
        with open_split(source, "train", batch_size=50, groups=["jets"]) as reader:
            ids.append(np.concatenate([batch["id"].numpy().copy() for batch in reader.epoch(0, 0)]))
    assert np.array_equal(*ids)
