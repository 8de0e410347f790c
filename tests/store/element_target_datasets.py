"""Datasets whose lists have targets of their elements, in which every number follows from the sample's id."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from made_samples import attributes_of, make_samples, make_study

from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import ElementTarget, Ragged, Samples
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard

ORIGINS = ("fake", "primary", "from_b")


def with_element_targets(samples: Samples) -> Samples:
    """origin: (id + k) % 4 - 1 of the k-th track, so that a quarter has no class; vertex: id + k; wire of hits: -id.

    decay_length: 3 id, and NaN where id is divisible by 4.
    """
    tracks, hits = samples.inputs["tracks"].column, samples.inputs["hits"].column
    assert isinstance(tracks, Ragged)
    assert isinstance(hits, Ragged)
    owner = -tracks.values[:, 1].astype(np.int64)
    place = np.arange(len(owner)) - np.repeat(tracks.offsets[:-1], tracks.lengths)
    ids = samples.id.astype(np.int64)
    return replace(
        samples,
        targets={**samples.targets, "decay_length": np.where(ids % 4, 3.0 * ids, np.nan).astype(np.float32)},
        element_targets={
            "origin": ElementTarget("tracks", ((owner + place) % 4 - 1).astype(np.int8), ORIGINS),
            "vertex": ElementTarget("tracks", (owner + place).astype(np.int32)),
            "wire": ElementTarget("hits", -hits.values[:, 0].astype(np.int64)),
        },
        optional=("decay_length",),
    )


def make_dataset(folder: Path, train: list[int], others: int = 6) -> Path:
    """The manifest's path of a dataset as `conftest.make_dataset`, with these targets."""
    study, first = make_study(len(train)), 0
    for split in ("train", "val", "test"):
        for number, size in enumerate(train if split == "train" else [others] * len(train)):
            samples = with_element_targets(make_samples(size, first))
            write_shard(folder / f"{split}-{number:04d}.h5", samples, attributes_of(study))
            first += size
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return folder / "manifest.json"
