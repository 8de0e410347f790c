"""Small real datasets, made once by the stages themselves."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bevatron.config.study import Study
from bevatron.config.workflow import Reading


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
    "seeds": 2,
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
    from bevatron.prepare.stage import prepare_shard, write_manifest
    from bevatron.simulate.stage import simulate_shard

    made = Made(Study.model_validate(CURVE), tmp_path_factory.mktemp("curve"))
    simulate_shard(made.study, 0, made.raw)
    prepare_shard(made.study, made.raw, made.manifest.parent)
    write_manifest(made.study, made.manifest.parent)
    return made


@pytest.fixture(scope="session")
def reading() -> Reading:
    return Reading()
