"""A small study of sparse images for networks over images: is the rectangle filled or hollow?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from rectangles import CLASSES, SIDE, STUDY, samples
from shard_attributes import shard_attributes

from bevatron.config.sections.study import Study
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Group, Samples, SparseImages
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard

TREE = {
    **STUDY,
    "name": "images",
    "task": {"kind": "classification", "target": "label", "classes": CLASSES, "signal": CLASSES[1]},
    "models": {
        "net": {
            "title": "GoogLeNet",
            "inputs": ["image"],
            "normalise": "rms",
            "architecture": {"kind": "googlenet", "width": 0.0625, "stem_stride": 1},
            "training": {"epochs": 3, "batch_size": 16, "learning_rate": 0.003, "checkpoint_seconds": 1e-9},
        }
    },
}


def of_one_rectangle(start, n):
    """Images whose first rectangle, which is the only one, is filled or hollow."""
    made = samples(np.random.default_rng(start), start, 4 * n)
    alone = np.flatnonzero(made.targets["boxes"][:, 1, 4] < 0)[:n]
    kept = made.take(alone)
    return replace(kept, targets={"label": kept.targets["boxes"][:, 0, 4].astype(np.int64)})


def write_images(folder: Path, study: Study, change=lambda made: made) -> Path:
    """The dataset's manifest, after its shards; `change` is applied to each shard's samples."""
    attributes = shard_attributes(study, "jets", CLASSES)
    for k, (split, n) in enumerate({"train": 64, "val": 24, "test": 8}.items()):
        write_shard(folder / f"{split}-0000.h5", change(of_one_rectangle(100_000 * (k + 1), n)), attributes)
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return folder / "manifest.json"


def enlarged(made: Samples, side: int) -> Samples:
    """The same pixels, drawn apart over images of `side` pixels a side, a multiple of what they have."""
    column, factor = made.inputs["image"].column, side // SIDE
    rows, columns = np.divmod(column.index, SIDE)
    index = (rows * factor * side + columns * factor).astype(np.int32)
    image = Group(SparseImages(index, column.value, column.offsets, (1, side, side)), ("charge",), ("",))
    return replace(made, inputs={"image": image})
