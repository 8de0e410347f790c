"""A dataset with weights, and the same one in which each sample comes as often as its weight says."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.config.loading.code_versions import version_attributes
from bevatron.config.loading.identity import dataset_digest, raw_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, Group, Samples
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard
from bevatron.training.job import FitJob

CLASSES = ["light", "charm", "beauty"]
TASKS: dict[str, dict[str, Any]] = {
    "classification": {"kind": "classification", "target": "flavour", "classes": CLASSES, "signal": "beauty"},
    "regression": {"kind": "regression", "target": "y"},
    "reconstruction": {"kind": "reconstruction", "target": "clean"},
    "generation": {"kind": "generation", "target": "flavour", "classes": CLASSES},
}
SIZES = {"train": 240, "val": 90, "test": 60}
CYCLE = np.array([1, 0, 2, 1, 3], np.float32)


def study_of(task: str, inputs: str, architecture: dict[str, Any], **training: Any) -> Study:
    model = {
        "title": "net",
        "inputs": [inputs],
        "architecture": architecture,
        "normalise": "none",  # the statistics of the inputs know of no weights
        "training": {"epochs": 2, "batch_size": "full", "optimiser": "sgd", "learning_rate": 0.1, **training},
    }
    return Study.model_validate(
        {
            "name": "weighted",
            "title": "Weights",
            "summary": "Samples that count differently.",
            "simulation": {"source": {"kind": "jets"}},
            "dataset": {"recipe": {"kind": "jets"}},
            "task": TASKS[task],
            "n_seeds": 1,
            "models": {"net": model},
            "evaluation": {"bootstrap": 20},
        }
    )


def draw_samples(split: str) -> Samples:
    """Without weights: two features, a class, a number, and an image of 1 × 4 × 4 with noise."""
    k, n = list(SIZES).index(split), SIZES[split]
    rng = np.random.default_rng(k)
    flavour = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    jet = rng.normal(0, 1, (n, 2)) + flavour[:, None]
    clean = rng.normal(0, 1, (n, 1, 4, 1)) * np.ones((1, 1, 1, 4))
    noisy = clean + rng.normal(0, 0.3, clean.shape)
    inputs = {
        "jet": Group(Dense(jet.astype(np.float32)), ("pt", "eta"), ("GeV", "1")),
        "noisy": Group(Dense(noisy.astype(np.float32)), ("v",), ("1",)),
    }
    y = (jet.sum(1) + rng.normal(0, 0.1, n)).astype(np.float32)
    targets = {"flavour": flavour, "y": y, "clean": clean.astype(np.float32)}
    return Samples(inputs, targets, np.arange(1000 * k, 1000 * k + n, dtype=np.uint64))


def weights_of(samples: Samples) -> np.ndarray:
    return np.resize(CYCLE, len(samples))


def weighted(samples: Samples, scale: float = 1.0) -> Samples:
    return replace(samples, weight=(weights_of(samples) * scale).astype(np.float32))


def repeated(samples: Samples) -> Samples:
    rows = np.repeat(np.arange(len(samples)), weights_of(samples).astype(int))
    return replace(samples.take(rows), id=samples.id[0] + np.arange(len(rows), dtype=np.uint64))


@dataclass(frozen=True)
class WeightedStudy:
    study: Study
    manifest: Path

    def job(self, folder: Path, **data_loading: Any) -> FitJob:
        model = self.study.models["net"]
        return FitJob(self.study, model, self.manifest, 1, folder, DataLoading(**data_loading), "cpu")


def write_dataset(study: Study, folder: Path, change: Any) -> WeightedStudy:
    """The dataset whose samples `change` makes of those drawn."""
    attributes = {
        "study": study.name,
        "source": "jets",
        "versions": {"generator": "1"},
        "digest": dataset_digest(study),
        "raw_digest": raw_digest(study),
        **version_attributes(study),
        **({"classes": CLASSES} if hasattr(study.task, "classes") else {}),
        "shard": 0,
    }
    for split in SIZES:
        write_shard(folder / f"{split}-0000.h5", change(draw_samples(split)), attributes)
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return WeightedStudy(study, folder / "manifest.json")
