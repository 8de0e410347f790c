"""A small study to search, and what the searches of these tests fraction."""

import os
from pathlib import Path

import pytest

from bevatron.config.sections.study import Study

SPACE = {
    "training.learning_rate": {"kind": "log_uniform", "low": 1e-4, "high": 1.0},
    "training.momentum": {"kind": "choice", "values": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]},
    "architecture.widths": {"kind": "choice", "values": [[5], [5, 5]]},
}
TREE = {
    "name": "parabola",
    "title": "A parabola",
    "summary": "y = x² with noise.",
    "simulation": {"source": {"kind": "function", "train": 400, "val": 100, "test": 100, "low": -2, "high": 2}},
    "dataset": {"recipe": {"kind": "function", "noise": {"y": 0.1}}},
    "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
    "models": {
        "net": {
            "title": "1:5:1",
            "inputs": ["x"],
            "architecture": {"kind": "mlp", "widths": [5], "activation": "relu"},
            "training": {"epochs": 9, "batch_size": 50, "learning_rate": 0.01},
        }
    },
}


@pytest.fixture(scope="session")
def study_with_search():
    """Makes a study of one model, `net`, with the given keys of its search."""

    def study(space: dict | None = None, **search) -> Study:
        settings = {"trials": 14, "epochs": 9, "space": space or SPACE, **search}
        return Study.model_validate({**TREE, "models": {"net": {**TREE["models"]["net"], "search": settings}}})

    return study


@pytest.fixture(scope="session")
def module_path() -> str:
    """Folders from which the trials' processes import `pretended_fit`, and what this process imports from."""
    return os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
