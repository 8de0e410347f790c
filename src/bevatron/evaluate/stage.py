"""Evaluate one model: predictions of all its seeds for the test split, metrics and their uncertainties."""

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EVALUATIONS, EvaluationContext, Predictions
from bevatron.evaluate.inspection.overtraining import overtraining
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.predictions.file import write_predictions
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json
from bevatron.store.shards.manifest import Manifest, load_manifest
from bevatron.training.runs import load_runs
from bevatron.versions import versions

log = logging.getLogger("bevatron")
SCHEMA_VERSION = 1


def evaluate_model(study: Study, workflow: Workflow, name: str, manifest: Path, runs: Path, folder: Path) -> None:
    """Publish `predictions.h5` and `metrics.json` of `study.models[name]` in `folder`.

    manifest: the dataset's; runs: the model's runs.json. Raises UserError for a dataset of another
    configuration, a damaged or missing shard or weights file, and runs made for something else.
    """
    started = time.perf_counter()
    dataset = load_manifest(manifest, dataset_digest(study))
    finished = load_runs(runs, study.name, name, dataset.sha256)
    predictions = _predictions(study, workflow, name, dataset, manifest, finished, runs.parent)
    attributes = {
        "study": study.name,
        "model": name,
        "task": study.task.kind,
        "manifest_sha256": dataset.sha256,
        "classes": ",".join(dataset.classes),
    }
    write_predictions(folder / "predictions.h5", predictions, attributes, [r["seed"] for r in finished])

    extra = overtraining(study.models[name], finished, runs.parent, study.evaluation.bootstrap)
    publish_json(
        folder / "metrics.json", with_checksum(metrics_tree(study, name, dataset, finished, predictions, extra))
    )
    log.info(
        "%s/%s: %d seeds on %d test samples in %.1f s",
        study.name, name, len(finished), len(predictions), time.perf_counter() - started,
    )  # fmt: skip


def metrics_tree(
    study: Study,
    name: str,
    dataset: Manifest,
    runs: list[dict[str, Any]],
    predictions: Predictions,
    of_the_fits: dict[str, Measurement] | None = None,
) -> dict[str, Any]:
    """The content of metrics.json: what was measured, on what, by which runs, and the curves of the plots.

    of_the_fits: metrics that come from the course of the trainings, not from the predictions.
    """
    model, settings = study.models[name], study.evaluation
    events = predictions.id if predictions.event is None else predictions.event
    bootstrap = Bootstrap(events, settings.bootstrap, dataset.sha256)
    metrics, curves = EVALUATIONS[study.task.kind]().metrics(
        study.task, model, predictions, bootstrap, settings.confidence
    )
    metrics = metrics | (of_the_fits or {})
    return {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "model": name,
        "title": model.title,
        "task": study.task.kind,
        "target": model.target or study.task.target,
        "manifest_sha256": dataset.sha256,
        "parameters": runs[0]["n_weights"],
        "runs": [_run(run) for run in runs],
        "versions": versions(),
        "n_test": len(predictions),
        "n_test_events": bootstrap.n_events,
        "confidence": settings.confidence,
        "metrics": {key: m.to_json() for key, m in metrics.items()},
        "bootstrap": {key: list(m.replicas) for key, m in metrics.items()},
        "curves": curves,
    }


def _run(run: dict[str, Any]) -> dict[str, Any]:
    """What metrics.json keeps of a run: of its files, the weights and what the report reads."""
    kept = {key: value for key, value in run.items() if key != "files"}
    kept["weights_sha256"] = run["files"]["weights.safetensors"]
    if "history.csv" in run["files"]:
        kept["history_sha256"] = run["files"]["history.csv"]
    return kept


def _predictions(
    study: Study,
    workflow: Workflow,
    name: str,
    dataset: Manifest,
    manifest: Path,
    runs: list[dict[str, Any]],
    place: Path,
) -> Predictions:
    from bevatron.evaluate.predictions.inference import predict  # torch

    model, folders = study.models[name], [place / run["folder"] for run in runs]
    targets = EVALUATIONS[study.task.kind]().targets(study.task, model)
    for kind, asked, known in (
        ("input group", model.inputs, dataset.groups),
        ("target", targets, dataset.targets),
    ):
        for asked_name in asked:
            if asked_name not in known:
                raise UserError(manifest, f"has no {kind} '{asked_name}'", f"it has: {', '.join(known)}")
    found = predict(folders, dataset, manifest, model.inputs, targets, workflow, model.training.threads)
    expected, shape = EVALUATIONS[study.task.kind]().outputs(study.task), found.outputs.shape[2:]
    if len(shape) != len(expected) or any(n not in (None, m) for n, m in zip(expected, shape, strict=True)):
        needed = " × ".join("n" if n is None else str(n) for n in expected)
        what = f"has {' × '.join(map(str, shape))} outputs, the task needs {needed}"
        raise UserError(folders[0] / "model.json", what, f"run `bevatron train {study.name} {name}` again")
    feature = getattr(study.task, "x", None)
    x = None if feature is None else _feature(feature, dataset, manifest)
    event = TestColumns(dataset, manifest).events()
    seeds = tuple(run["seed"] for run in runs)
    context = EvaluationContext(study, workflow, model, dataset, manifest, tuple(folders), seeds)
    return replace(found, x=x, context=context, event=None if np.array_equal(event, found.id) else event)


def _feature(name: str, dataset: Manifest, manifest: Path):
    values = TestColumns(dataset, manifest).named(name)
    if values is None:
        raise UserError(manifest, f"has no dense feature '{name}', which task.x names", "fix task.x in the study")
    return values
