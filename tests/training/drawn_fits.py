"""Fits whose settings are drawn from a seed: every learner, both readers, and most keys of `training`.

A `Family` is a small dataset with the models that learn from it. `draw` takes a seed and gives one job; what a family
cannot do (sampling by class without classes, say) is not drawn for it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import auxiliary_jobs
import numpy as np
from digit_jobs import job_of
from image_jobs import TREE, write_images
from rectangles import STUDY as RECTANGLES
from rectangles import write_rectangles
from shard_attributes import shard_attributes

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard
from bevatron.training.job import FitJob

CLASSES = ["light", "charm", "beauty"]
SIZES = {"train": 240, "val": 90, "test": 30}
RESIDENT = DataLoading()


@dataclass(frozen=True)
class Family:
    """A dataset of a few hundred samples and the models that learn from it.

    make: writes the dataset into a folder and gives its study and the manifest's path. precisions: those in which its
    networks can be computed on a CPU in reasonable time. slow: fewer, larger steps. drawn: further settings of a model.
    """

    make: Callable[[Path], tuple[Study, Path]]
    n_train: int
    classes: bool = False
    precisions: tuple[str, ...] = ("32-true", "bf16-mixed", "16-mixed")
    slow: bool = False
    best: bool = True
    drawn: Callable[[random.Random], dict[str, Any]] = lambda chance: {}


def draw(family: str, seed: int, folder: Path, data: Path) -> FitJob:
    """The job of the seed, whose live state is to be in `folder`; its dataset is written below `data` when first
    needed. Equal arguments give equal jobs."""
    kind, chance = FAMILIES[family], random.Random(f"{family}/{seed}")
    study, manifest = made(family, data)
    name = chance.choice(sorted(study.models))
    stream = chance.random() < 0.4
    values = _training(kind, chance, stream)
    if name == "solved" and values.get("class_ratio"):
        values["class_ratio"] = {"light": 3, "charm": 2, "beauty": 1}  # it needs samples of every class
    model = study.models[name].with_values({f"training.{key}": value for key, value in values.items()})
    model = model.with_values(kind.drawn(chance) if name != "solved" else {})
    if "dropout" in type(model.architecture).model_fields and chance.random() < 0.5:
        model = model.with_values({"architecture.dropout": 0.3})
    reading = RESIDENT
    if stream:
        blocks = {"block_rows": chance.choice([7, 16, 60]), "buffer_blocks": chance.choice([1, 2, 5])}
        reading = DataLoading(memory_budget_gb=1e-9, **blocks)
    return FitJob(study, model, manifest, chance.randrange(5), folder, reading, "cpu")


@cache
def made(family: str, data: Path) -> tuple[Study, Path]:
    return FAMILIES[family].make(data / family)


def _training(kind: Family, chance: random.Random, stream: bool) -> dict[str, Any]:
    """Values of `training`; every checkpoint that may be saved is."""
    every = chance.choice([1, 1, 1, 2, 3])
    rounds = chance.randint(2, 3) if kind.slow else chance.randint(3, 7)
    # Batches of 3 make rounds of more than one block of 50 steps; 'full' makes one step of a round.
    sizes = [kind.n_train // 2, "full"] if kind.slow else [3, 16, 16, 100, kind.n_train - 1, "full"]
    batch = chance.choice([size for size in sizes if size != "full" or not stream])  # 'full' is read into memory
    values: dict[str, Any] = {
        "epochs": every * (min(rounds, 3) if batch == 3 else rounds),
        "batch_size": batch,
        "validate_every": every,
        "early_stopping": chance.choice([None, *STOPPING, *STOPPING]),
        "optimiser": chance.choice(["adam", "adamw", "sgd"]),
        "learning_rate": chance.choice([1e-3, 1e-2]),
        "weight_decay": chance.choice([0.0, 1e-3]),
        "momentum": chance.choice([0.0, 0.9]),
        "gradient_clip": chance.choice([None, 0.1, 1.0]),
        "checkpoint": chance.choice(["best", "last"]) if kind.best else "last",
        "precision": chance.choice(kind.precisions),
        "samples": chance.choice([None, None, kind.n_train // 3]) if not stream else None,
        "threads": 1,
        "checkpoint_seconds": 1e-9,
    }
    if kind.classes:
        values["balance"] = chance.choice(["none", "weights"] if stream else ["none", "weights", "batches"])
        if not stream:
            values["sample_order"] = chance.choice(["shuffled", "sorted", "alternating"])
            values["class_ratio"] = chance.choice([None, None, {"light": 3, "beauty": 1}])
    return values | _schedule(chance, batch)


def _schedule(chance: random.Random, batch: int | str) -> dict[str, Any]:
    """The course of the learning rate, the average of the weights, and batches of a step."""
    schedule = chance.choice(["constant", "cosine", "one_cycle"])
    average = {"kind": chance.choice(["exponential", "equal"]), "decay": chance.choice([0.5, 0.99])}
    average["start"] = chance.choice([0.0, 0.3, 1.0])
    return {
        "schedule": schedule,
        "warm_up": chance.choice([None, {"fraction": 0.3}, {"steps": 5}]) if schedule != "one_cycle" else None,
        "one_cycle": {"cycle_momentum": chance.choice([True, False])} if schedule == "one_cycle" else None,
        "weight_average": chance.choice([None, average, average]),
        "accumulate": chance.choice([1, 2, 3, 60]) if batch != "full" else 1,
    }


# A large min_delta stops soon; patience 1 with none stops where the loss first rises.
STOPPING = [{"patience": p, "min_delta": d} for p, d in ((1, 0.0), (1, 0.1), (2, 0.01), (2, 1.0), (3, 0.0))]


def _model(kind: str, inputs: list[str], **options: Any) -> dict[str, Any]:
    class_subset = options.pop("class_subset", None)
    return {"title": kind, "inputs": inputs, "architecture": {"kind": kind, **options}, "class_subset": class_subset}


LISTS = {
    "name": "lists",
    "title": "Lists",
    "summary": "Three classes that lists and dense features tell apart.",
    "simulation": {"source": {"kind": "jets"}},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "classification", "target": "flavour", "classes": CLASSES, "signal": "beauty"},
    "models": {
        "mlp": _model("mlp", ["jet", "tracks"], widths=[8]),
        "two": _model("mlp", ["jet"], widths=[4], class_subset=["beauty", "light"]),
        "lstm": _model("lstm", ["jet", "tracks"], state=6),
        "sets": _model("deep_sets", ["tracks"]),
        "transformer": _model("transformer", ["tracks"], width=8, heads=2, blocks=1),
        "recursive": _model("outer_convolution", ["tracks"]),
        "solved": _model("boosted_trees", ["jet"], rounds=4, leaves=4, depth=2),
    },
}


def _lists(folder: Path) -> tuple[Study, Path]:
    study, rng = Study.model_validate(LISTS), np.random.default_rng(4)
    attributes = shard_attributes(study, "jets", CLASSES)
    for k, (split, n) in enumerate(SIZES.items()):
        flavour = rng.choice(3, n, p=[0.5, 0.2, 0.3])
        jet = rng.normal(0, 1, (n, 2)) + np.column_stack([0.7 * flavour, -0.4 * flavour])
        lengths = rng.integers(0, 5, n)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        tracks = rng.normal(0, 1, (offsets[-1], 2)) + 0.6 * np.repeat(flavour, lengths)[:, None]
        inputs = {
            "jet": Group(Dense(jet.astype(np.float32)), ("pt", "eta"), ("GeV", "1")),
            "tracks": Group(Ragged(tracks.astype(np.float32), offsets), ("d0", "z0"), ("mm", "mm")),
        }
        ids = np.arange(10_000 * k, 10_000 * k + n, dtype=np.uint64)
        write_shard(folder / f"{split}-0000.h5", Samples(inputs, {"flavour": flavour}, ids), attributes)
    return study, _manifest(folder, study)


CURVE = {
    "name": "curve",
    "title": "A parabola",
    "summary": "y = x² with noise.",
    "simulation": {"source": {"kind": "function", **SIZES}},
    "dataset": {"recipe": {"kind": "function", "noise": {"y": 5.0}}},
    "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
    "models": {"net": _model("mlp", ["x"], widths=[16])},
}
CLOUDS = {
    "name": "clouds",
    "title": "Clouds",
    "summary": "Two clouds in a plane.",
    "simulation": {"source": {"kind": "gaussians", "train": 120, "val": 45, "test": 15}},
    "dataset": {
        "recipe": {
            "kind": "gaussians",
            "clouds": {"near": {"means": [[-0.5, 0.5], [1.5, 0.5]], "covariances": [[[1.0, 0.6], [0.6, 1.0]]]}},
        }
    },
    "task": {"kind": "classification_2d", "target": "class", "classes": ["left", "right"], "signal": "right"},
    "models": {
        "unit": _model("perceptron", ["near"], activation="tanh"),
        "rosenblatt": _model("perceptron", ["near"], activation="step"),
    },
}


def _by_the_stages(tree: dict[str, Any]) -> Callable[[Path], tuple[Study, Path]]:
    def make(folder: Path) -> tuple[Study, Path]:
        from bevatron.prepare import stage as prepare
        from bevatron.simulate.stage import simulate_shard

        study = Study.model_validate(tree)
        simulate_shard(study, 0, folder / "raw.h5")
        prepare.prepare_shard(study, folder / "raw.h5", folder / "dataset")
        return study, _manifest(folder / "dataset", study)

    return make


def _manifest(folder: Path, study: Study) -> Path:
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return folder / "manifest.json"


def _digits(kind: str) -> Callable[[Path], tuple[Study, Path]]:
    def make(folder: Path) -> tuple[Study, Path]:
        job = job_of(kind, folder)
        return job.study, job.manifest_path

    return make


def _images(folder: Path) -> tuple[Study, Path]:
    study = Study.model_validate(TREE)
    return study, write_images(folder, study)


def _boxes(folder: Path) -> tuple[Study, Path]:
    study = Study.model_validate(RECTANGLES)
    return study, write_rectangles(folder, study, {"train": 32, "val": 8, "test": 4})


def _tracks(folder: Path) -> tuple[Study, Path]:
    return auxiliary_jobs.study_of(), auxiliary_jobs.make_dataset(folder)


def _auxiliary(chance: random.Random) -> dict[str, Any]:
    """Some of the tasks, in a drawn order."""
    tasks = {name: dict(auxiliary_jobs.TASKS[name]) for name in chance.sample(sorted(auxiliary_jobs.TASKS), 2)}
    if "origin" in tasks:
        tasks["origin"]["balance"] = chance.choice(["none", "weights"])
    if "decay" in tasks:
        tasks["decay"]["loss"] = chance.choice(["huber", "mse"])
    return {"auxiliary": tasks, "class_subset": chance.choice([None, ["light", "beauty"]])}


def _channels_last(chance: random.Random) -> dict[str, Any]:
    return {"training.memory_format": chance.choice(["contiguous", "channels_last"])}


QUICK = ("32-true", "bf16-mixed")
FAMILIES = {
    "curve": Family(_by_the_stages(CURVE), SIZES["train"]),
    "clouds": Family(_by_the_stages(CLOUDS), SIZES["train"], classes=False),
    "lists": Family(_lists, SIZES["train"], classes=True, precisions=QUICK),
    "auxiliary": Family(_tracks, SIZES["train"], classes=True, precisions=QUICK, drawn=_auxiliary),
    "fgsm": Family(_digits("fgsm"), 320),
    "pgd": Family(_digits("pgd"), 320, slow=True),
    "augmented": Family(_digits("augmented"), 320, slow=True, precisions=QUICK),
    "gan": Family(_digits("gan"), 320, precisions=QUICK, best=False),
    "autoencoder": Family(_digits("autoencoder"), 320, slow=True, precisions=QUICK),
    "images": Family(_images, 64, slow=True, precisions=QUICK, drawn=_channels_last),
    "boxes": Family(_boxes, 32, slow=True, precisions=("32-true",)),
}


def in_folder(job: FitJob, name: str) -> FitJob:
    """The same job with its live state in a folder of that name beside it."""
    return replace(job, folder=job.folder.with_name(f"{job.folder.name}-{name}"))
