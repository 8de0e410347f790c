"""A small segmentation study: horizontal and vertical lines of equal charge, told apart by their surroundings alone."""

from pathlib import Path

import numpy as np
from written_dataset import write_dataset

from bevatron.config.sections.study import Study
from bevatron.store.shards.columns import ElementTarget, Group, Samples, SparseImages

CLASSES = ["horizontal", "vertical", "corner"]
SIDE = 32
STUDY = {
    "name": "crossings",
    "title": "Lines",
    "summary": "Which line does a pixel belong to?",
    "simulation": {"source": {"kind": "jets"}},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "segmentation", "target": "line", "classes": CLASSES},
    "n_seeds": 1,
    "models": {
        "net": {
            "title": "U-Net",
            "inputs": ["image"],
            "normalise": "rms",
            "architecture": {"kind": "sparse_unet", "width": 6, "resolutions": 3},
            "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01},
        }
    },
    "evaluation": {"bootstrap": 30},
}


def samples(rng: np.random.Generator, start: int, n: int) -> Samples:
    """Images of one horizontal and one vertical line, and pixels of noise without a class; no corner anywhere. Each
    seventh image is empty.
    """
    index, value, labels, lengths = [], [], [], []
    for row in range(n):
        label = np.full((SIDE, SIDE), -2, np.int8)
        label.ravel()[rng.integers(0, SIDE**2, 6)] = -1
        label[rng.integers(0, SIDE), rng.integers(0, 8) : rng.integers(16, SIDE)] = 0
        label[rng.integers(0, 8) : rng.integers(16, SIDE), rng.integers(0, SIDE)] = 1
        pixels = np.flatnonzero(label.ravel() > -2) if row % 7 != 6 else np.zeros(0, np.int64)
        index.append(pixels)
        labels.append(label.ravel()[pixels])
        value.append(rng.uniform(1, 2, len(pixels)))
        lengths.append(len(pixels))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    pixels, charge = np.concatenate(index).astype(np.int32), np.concatenate(value).astype(np.float32)
    column = SparseImages(pixels, charge, offsets, (1, SIDE, SIDE))
    target = ElementTarget("image", np.concatenate(labels), tuple(CLASSES))
    ids = np.arange(start, start + n, dtype=np.uint64)
    inputs = {"image": Group(column, ("charge",), ("ke",))}
    return Samples(inputs, {}, ids, element_targets={"line": target})


def write_crossings(folder: Path, study: Study, sizes: dict[str, int], change=lambda samples: samples) -> Path:
    """The dataset's manifest: `write_dataset` of these samples."""
    return write_dataset(folder, study, sizes, samples, change)
