"""A dataset of one shard for each split, of samples that a toy study draws."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from shard_attributes import shard_attributes

from bevatron.config.sections.study import Study
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard


def write_dataset(
    folder: Path,
    study: Study,
    sizes: dict[str, int],
    samples: Callable[[np.random.Generator, int, int], Samples],
    change: Callable[[Samples], Samples],
) -> Path:
    """The dataset's manifest, after its shards; `change` is applied to what `samples` draws for each shard."""
    rng = np.random.default_rng(1)
    attributes = shard_attributes(study, "jets", list(study.task.classes))
    for k, (split, n) in enumerate(sizes.items()):
        write_shard(folder / f"{split}-0000.h5", change(samples(rng, 100_000 * k, n)), attributes)
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return folder / "manifest.json"
