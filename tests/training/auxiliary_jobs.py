"""Jets whose tracks have an origin and a vertex, and a decay length for some: fits with auxiliary tasks."""

from pathlib import Path
from typing import Any

import numpy as np
from shard_attributes import shard_attributes

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, ElementTarget, Group, Ragged, Samples
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard
from bevatron.training.job import FitJob

CLASSES = ["light", "charm", "beauty"]
ORIGINS = ("fake", "primary", "from_b")
SIZES = {"train": 240, "val": 90, "test": 30}
TASKS: dict[str, dict[str, Any]] = {
    "origin": {"kind": "element_classification", "target": "track_origin", "weight": 0.5, "widths": [6]},
    "vertex": {"kind": "same_vertex", "target": "track_vertex", "weight": 1.5, "widths": [5]},
    "decay": {"kind": "regression", "target": "decay_length", "weight": 0.1, "widths": [4]},
}
ARCHITECTURES = {
    "sets": {"kind": "deep_sets", "element_widths": [8], "widths": [6]},
    "transformer": {"kind": "transformer", "width": 8, "heads": 2, "blocks": 1, "feedforward": 8, "widths": [6]},
}


def study_of(auxiliary: dict[str, Any] | None = None, model: dict[str, Any] | None = None, **training: Any) -> Study:
    common = {
        "inputs": ["jet", "tracks"],
        "auxiliary": TASKS if auxiliary is None else auxiliary,
        "training": {"epochs": 3, "batch_size": 50, **training},
        **(model or {}),
    }
    models = {
        name: {"title": name, "architecture": architecture, **common} for name, architecture in ARCHITECTURES.items()
    }
    return Study.model_validate(
        {
            "name": "auxiliary",
            "title": "Tracks",
            "summary": "Jets whose tracks have an origin and a vertex.",
            "simulation": {"source": {"kind": "jets"}},
            "dataset": {"recipe": {"kind": "jets"}},
            "task": {"kind": "classification", "target": "flavour", "classes": CLASSES, "signal": "beauty"},
            "models": models,
        }
    )


def draw_samples(split: str, weighted: bool = False) -> Samples:
    """0 to 6 tracks of three features, which tell origin and vertex apart; every seventh track has no origin, tracks
    that are fake have no vertex, and jets of class 0 no decay length.
    """
    k, n = list(SIZES).index(split), SIZES[split]
    rng = np.random.default_rng(40 + k)
    flavour = rng.choice(3, n, p=[0.5, 0.2, 0.3])
    jet = rng.normal(0, 1, (n, 2)) + np.column_stack([0.4 * flavour, -0.2 * flavour])
    lengths = rng.integers(0, 7, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    total = int(offsets[-1])
    vertex = rng.integers(-1, 3, total)
    origin = np.where(vertex < 0, 0, np.where(vertex == 2, 2, 1))
    tracks = rng.normal(0, 0.4, (total, 3)) + np.column_stack([vertex, vertex == 2, np.repeat(flavour, lengths)])
    decay = np.where(flavour > 0, 3.0 * flavour + jet[:, 0], np.nan)
    return Samples(
        {
            "jet": Group(Dense(jet.astype(np.float32)), ("pt", "eta"), ("GeV", "1")),
            "tracks": Group(Ragged(tracks.astype(np.float32), offsets), ("d0", "z0", "pt"), ("mm", "mm", "GeV")),
        },
        {"flavour": flavour, "decay_length": decay.astype(np.float32)},
        np.arange(10_000 * k, 10_000 * k + n, dtype=np.uint64),
        np.resize(np.array([1, 0, 2, 1, 3], np.float32), n) if weighted else None,
        element_targets={
            "track_origin": ElementTarget(
                "tracks", np.where(np.arange(total) % 7, origin, -1).astype(np.int8), ORIGINS
            ),
            "track_vertex": ElementTarget("tracks", vertex.astype(np.int16)),
        },
        optional=("decay_length",),
    )


def make_dataset(folder: Path, weighted: bool = False) -> Path:
    study = study_of()
    attributes = shard_attributes(study, "jets", CLASSES)
    for split in SIZES:
        write_shard(folder / f"{split}-0000.h5", draw_samples(split, weighted), attributes)
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return folder / "manifest.json"


def job_of(manifest: Path, folder: Path, study: Study, name: str = "sets", seed: int = 3, **loading: Any) -> FitJob:
    return FitJob(study, study.models[name], manifest, seed, folder, DataLoading(**loading), "cpu")
