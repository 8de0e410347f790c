"""The plane's metrics against closed forms and scikit-learn; the steps shown are those of the fit."""

import json
from pathlib import Path

import numpy as np
import pytest

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.tasks.classification_2d import angles, fishers_direction
from bevatron.store.shards.dataset import load_dataset

STUDY = {
    "name": "plane",
    "title": "Plane",
    "summary": "Two clouds.",
    "simulation": {"source": {"kind": "gaussians", "train": 60, "val": 30, "test": 400}},
    "dataset": {
        "recipe": {
            "kind": "gaussians",
            "clouds": {"cloud": {"means": [[-1, 0.5], [1, 0.5]], "covariances": [[[1, 0.6], [0.6, 1]]]}},
        }
    },
    "task": {"kind": "classification_2d", "target": "class", "classes": ["left", "right"], "signal": "right"},
    "n_seeds": 1,
    "models": {
        "rosenblatt": {
            "title": "Rosenblatt",
            "inputs": ["cloud"],
            "normalise": "none",
            "architecture": {
                "kind": "perceptron",
                "activation": "step",
                "initialisation": {"kind": "truncated_normal"},
            },
            "training": {"epochs": 1, "batch_size": 1, "optimiser": "sgd", "learning_rate": 0.1, "checkpoint": "last"},
        },
        "dead": {
            "title": "ReLU from zero",
            "inputs": ["cloud"],
            "normalise": "none",
            "architecture": {"kind": "perceptron", "activation": "relu", "initialisation": {"kind": "zeros"}},
            "training": {"epochs": 1, "batch_size": 20, "optimiser": "sgd", "learning_rate": 0.1, "checkpoint": "last"},
        },
    },
    "evaluation": {"bootstrap": 40},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The study, its manifest's path, and a function that fits and evaluates a model."""
    from bevatron.evaluate.stage import evaluate_model
    from bevatron.prepare.stage import prepare_shard, write_manifest
    from bevatron.simulate.stage import simulate_shard
    from bevatron.train.stage import train_model

    study, folder = Study.model_validate(STUDY), tmp_path_factory.mktemp("plane")
    workflow = Workflow(studies=["plane"], runs_dir=str(folder / "runs"), accelerator="cpu")
    simulate_shard(study, 0, folder / "raw" / "shard-0000.h5")
    prepare_shard(study, folder / "raw" / "shard-0000.h5", folder / "dataset")
    write_manifest(study, folder / "dataset")
    manifest = folder / "dataset" / "manifest.json"

    def measure(name):
        models = folder / "models" / name
        train_model(study, workflow, name, manifest, None, models)
        evaluate_model(study, workflow, name, manifest, models / "runs.json", folder / "evaluation" / name)
        return json.loads((folder / "evaluation" / name / "metrics.json").read_text()), models

    return study, workflow, manifest, measure


def test_the_steps_shown_are_those_of_the_fit(made):
    from bevatron.evaluate.inspection.plane import replay, weights_of

    study, workflow, manifest, measure = made
    tree, models = measure("rosenblatt")
    context = EvaluationContext(study, workflow, "rosenblatt", load_dataset(manifest), (models / "seed-0",), (0,))
    steps = replay(context)
    assert steps[-1]["after"] == pytest.approx(weights_of(models / "seed-0").tolist())
    assert tree["curves"]["corrections"] == steps[:6]
    for step in steps:  # Rosenblatt's rule, by hand
        x, sign = np.array(step["x"]), 2 * step["label"] - 1
        assert np.subtract(step["after"][:2], step["before"][:2]) == pytest.approx(0.1 * sign * x, abs=1e-6)
        assert sign * (np.dot(step["before"][:2], x) - step["before"][2]) <= 1e-6
    assert tree["metrics"]["weight_norm"]["value"] == pytest.approx(np.hypot(*steps[-1]["after"][:2]), rel=1e-5)
    assert tree["metrics"]["angle_to_fisher"]["value"] < 60


def test_a_unit_that_never_moved_has_no_direction(made):
    tree, _ = made[3]("dead")
    assert tree["metrics"]["weight_norm"]["value"] == 0.0
    assert tree["metrics"]["angle_to_fisher"]["value"] is None
    assert tree["metrics"]["accuracy"]["value"] == 0.5
    assert tree["curves"]["corrections"] == []


def test_fishers_direction_is_that_of_scikit_learn():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rng = np.random.default_rng(2)
    labels = np.arange(900) % 2
    points = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 2]], 900) + np.outer(labels, [2.0, 0.3])
    found = fishers_direction(points, labels, Bootstrap(np.arange(900), 20, "0"))
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(points, labels).coef_[0]
    assert angles(reference, found[:1])[0] == pytest.approx(0.0, abs=1e-4)
    assert np.allclose(found[0], reference)
    assert 0.1 < angles(reference, found[1:]).std() < 5


def test_angles():
    assert angles(np.array([1.0, 0.0]), np.array([[2.0, 0.0], [0.0, 1.0], [-3.0, 0.0], [1.0, 1.0]])).tolist() == (
        pytest.approx([0.0, 90.0, 180.0, 45.0])
    )
    assert np.isnan(angles(np.zeros(2), np.ones((3, 2)))).all()


def test_an_interrupted_fit_on_a_lesson_ends_with_the_same_bits(made, tmp_path):
    """Mixture, fewer samples and classes in turn are functions of (seed, epoch), so that a fit goes on in mid-epoch."""
    from bevatron.training.checkpoint import find_newest_valid
    from bevatron.training.fit import fit
    from bevatron.training.job import FitJob

    study, workflow, manifest, _ = made
    lesson = {"class_ratio": {"left": 3, "right": 1}, "samples": 70, "sample_order": "alternating"}
    values = {f"training.{key}": value for key, value in {**lesson, "epochs": 4, "checkpoint_seconds": 1e-9}.items()}
    model = study.models["rosenblatt"].with_values(values)
    jobs = [
        FitJob(study, model, manifest, 1, tmp_path / name, workflow.data_loading, "cpu")
        for name in ("straight", "broken")
    ]

    def interrupt(row):
        if row["epoch"] == 3:
            raise KeyError("interrupted")

    straight = fit(jobs[0])
    with pytest.raises(KeyError):
        fit(jobs[1], interrupt)
    assert find_newest_valid(jobs[1].folder) is not None
    assert fit(jobs[1]).continued == 1
    assert straight.samples == 4 * 70
    weights = [(Path(job.folder) / "weights.safetensors").read_bytes() for job in jobs]
    assert weights[0] == weights[1]
