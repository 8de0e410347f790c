"""Small real datasets, made once by the stages themselves."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bevatron.config.loading.code_versions import version_attributes
from bevatron.config.loading.identity import dataset_digest, raw_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard
from bevatron.training.job import FitJob

if TYPE_CHECKING:
    from folded_datasets import Folded

# those of the longest files
SLOW_FOLDERS = (
    "workflow", "search", "training", "faults", "compute", "train", "export", "simulate", "golden", "report", "api",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that none of them is what all but one of several workers wait for at the end."""
    order = {name: rank for rank, name in enumerate(SLOW_FOLDERS)}
    tests = Path(__file__).parent
    items.sort(key=lambda item: order.get(item.path.relative_to(tests).parts[0], len(order)))


@dataclass(frozen=True)
class Made:
    """A study whose dataset has been made."""

    study: Study
    folder: Path

    @property
    def raw(self) -> Path:
        return self.folder / "raw" / "shard-0000.h5"

    @property
    def manifest(self) -> Path:
        return self.folder / "dataset" / "manifest.json"


CURVE = {
    "name": "curve",
    "title": "A parabola",
    "summary": "y = x² with noise.",
    "simulation": {"source": {"kind": "function", "train": 700, "val": 200, "test": 300}},
    "dataset": {"recipe": {"kind": "function", "noise": {"y": 5.0}}},
    "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
    "n_seeds": 2,
    "models": {
        "net": {
            "title": "1:16:1",
            "inputs": ["x"],
            "architecture": {"kind": "mlp", "widths": [16], "dropout": 0.1},
            "training": {"epochs": 6, "batch_size": 100, "learning_rate": 0.01},
        }
    },
}


@pytest.fixture(scope="session")
def curve(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A regression study of 1200 points."""
    from bevatron.prepare import stage as prepare
    from bevatron.simulate.stage import simulate_shard

    made = Made(Study.model_validate(CURVE), tmp_path_factory.mktemp("curve"))
    simulate_shard(made.study, 0, made.raw)
    prepare.prepare_shard(made.study, made.raw, made.manifest.parent)
    prepare.write_manifest(made.study, made.manifest.parent)
    return made


@pytest.fixture(scope="session")
def reading() -> DataLoading:
    return DataLoading()


class Kept(logging.Handler):
    """Keeps the records it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.message = record.getMessage()
        self.records.append(record)


@pytest.fixture
def told() -> Iterator[list[logging.LogRecord]]:
    """What the logger "bevatron" says, each record once.

    `caplog` would need its propagation, which other tests end, and has the words of other libraries too.
    """
    handler, log = Kept(), logging.getLogger("bevatron")
    log.addHandler(handler)
    yield handler.records
    log.removeHandler(handler)


CLASSES = ["light", "charm", "beauty"]
SIZES = {"train": 900, "val": 300, "test": 300}
FIT = {"epochs": 3, "batch_size": 100, "learning_rate": 0.01}


def network(kind: str, inputs: list[str] | None = None, **model: object) -> dict:
    options = model.pop("options", {})
    return {
        "title": kind,
        "inputs": inputs or ["jet", "tracks"],
        "architecture": {"kind": kind, **options},
        "training": FIT,
        **model,
    }


FLAVOURS = {
    "name": "flavours",
    "title": "Flavours",
    "summary": "Three classes that lists and dense features tell apart.",
    "simulation": {"source": {"kind": "jets"}},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "classification", "target": "flavour", "classes": CLASSES, "signal": "beauty"},
    "n_seeds": 2,
    "models": {
        "net": network("mlp", options={"widths": [8]}),
        "lstm": network("lstm", options={"state": 8}),
        "fisher": network("fisher", ["jet"]),
        "trees": network("boosted_trees", options={"rounds": 12, "leaves": 8, "depth": 4}),
        "beauty_or_charm": network("mlp", ["jet"], class_subset=["beauty", "charm"], options={"widths": []}),
        "charm_or_light": network("lstm", ["tracks"], class_subset=["charm", "light"], options={"state": 4}),
        "committee": network(
            "committee", options={"members": ["beauty_or_charm", "charm_or_light", "trees"], "widths": [4]}
        ),
    },
    "evaluation": {"bootstrap": 20},
}


def samples(rng: np.random.Generator, start: int, n: int) -> Samples:
    """Two dense features and up to 5 tracks of two features, moved by the class."""
    flavour = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    jet = rng.normal(0, 1, (n, 2)) + np.column_stack([0.7 * flavour, -0.4 * flavour])
    lengths = rng.integers(0, 6, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tracks = rng.normal(0, 1, (offsets[-1], 2)) + 0.6 * np.repeat(flavour, lengths)[:, None]
    inputs = {
        "jet": Group(Dense(jet.astype(np.float32)), ("pt", "eta"), ("GeV", "1")),
        "tracks": Group(Ragged(tracks.astype(np.float32), offsets), ("d0", "z0"), ("mm", "mm")),
    }
    return Samples(inputs, {"flavour": flavour}, np.arange(start, start + n, dtype=np.uint64))


@dataclass(frozen=True)
class Flavours:
    """The study of three classes, and its dataset."""

    study: Study
    manifest: Path

    def job(
        self, folder: Path, model: str, seed: int = 0, members: dict[str, Path] | None = None, **values: object
    ) -> FitJob:
        chosen = self.study.models[model].with_values({k.replace("__", "."): v for k, v in values.items()})
        return FitJob(self.study, chosen, self.manifest, seed, folder, DataLoading(), "cpu", members=members or {})


@pytest.fixture(scope="session")
def flavours(tmp_path_factory: pytest.TempPathFactory) -> Flavours:
    """A classification of 1500 samples with lists, written through the store."""
    study = Study.model_validate(FLAVOURS)
    folder, rng = tmp_path_factory.mktemp("flavours") / "dataset", np.random.default_rng(4)
    attributes = {
        "study": study.name,
        "source": "jets",
        "versions": {"generator": "1"},
        "digest": dataset_digest(study),
        "raw_digest": raw_digest(study),
        **version_attributes(study),
        "classes": CLASSES,
        "shard": 0,
    }
    for k, (split, n) in enumerate(SIZES.items()):
        write_shard(folder / f"{split}-0000.h5", samples(rng, 10_000 * k, n), attributes)
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return Flavours(study, folder / "manifest.json")


@pytest.fixture(scope="session")
def folded(tmp_path_factory: pytest.TempPathFactory) -> "Folded":
    """A classification of 600 samples in three folds."""
    from folded_datasets import make_folded

    return make_folded(tmp_path_factory.mktemp("folded"))
