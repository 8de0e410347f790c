"""A small detection study: filled and hollow rectangles on images, whose boxes are known."""

from pathlib import Path

import numpy as np
from written_dataset import write_dataset

from bevatron.config.sections.study import Study
from bevatron.store.shards.columns import Group, Samples, SparseImages

CLASSES = ["filled", "hollow"]
SIDE, MOST = 48, 3
STUDY = {
    "name": "rectangles",
    "title": "Rectangles",
    "summary": "Filled and hollow rectangles, up to three on an image.",
    "simulation": {"source": {"kind": "jets"}},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "detection", "target": "boxes", "classes": CLASSES},
    "n_seeds": 1,
    "models": {
        "net": {
            "title": "Faster R-CNN",
            "inputs": ["image"],
            "normalise": "none",
            "architecture": {
                "kind": "faster_rcnn", "channels": [16, 24], "anchor_sizes": [10, 18], "widths": [64], "roi_size": 5,
                "roi_samples": 32, "proposals": 32, "candidates": 150, "proposal_samples": 64,
            },
            "training": {"epochs": 6, "batch_size": 16, "learning_rate": 0.002, "schedule": "cosine"},
        }
    },
    "evaluation": {"bootstrap": 30},
}  # fmt: skip


def samples(rng: np.random.Generator, start: int, n: int) -> Samples:
    """Images of one to three rectangles, whose rims hollow ones have alone; the last is on top."""
    boxes = np.full((n, MOST, 5), -1.0, np.float32)
    index, lengths = [], []
    for row in range(n):
        image = np.zeros((SIDE, SIDE), np.float32)
        for k in range(rng.integers(1, MOST + 1)):
            (w, h), label = rng.integers(8, 22, 2), rng.integers(0, 2)
            x, y = rng.integers(0, SIDE - w + 1), rng.integers(0, SIDE - h + 1)
            image[y : y + h, x : x + w] = 1
            if label:
                image[y + 2 : y + h - 2, x + 2 : x + w - 2] = 0
            boxes[row, k] = [x / SIDE, y / SIDE, (x + w) / SIDE, (y + h) / SIDE, label]
        index.append(np.flatnonzero(image))
        lengths.append(len(index[-1]))
    pixels = np.concatenate(index).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    column = SparseImages(pixels, np.ones(len(pixels), np.float32), offsets, (1, SIDE, SIDE))
    ids = np.arange(start, start + n, dtype=np.uint64)
    return Samples({"image": Group(column, ("charge",), ("",))}, {"boxes": boxes}, ids)


def write_rectangles(folder: Path, study: Study, sizes: dict[str, int], change=lambda samples: samples) -> Path:
    """The dataset's manifest: `write_dataset` of these samples."""
    return write_dataset(folder, study, sizes, samples, change)
