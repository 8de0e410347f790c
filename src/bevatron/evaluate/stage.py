"""Evaluate one model: predictions of all its seeds for the test split, metrics and their uncertainties."""

import json
import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EVALUATIONS, EvaluationContext, Predictions
from bevatron.evaluate.inspection.overtraining import measure_overtraining
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.predictions.file import write_predictions
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement
from bevatron.store.records.metrics import EvaluatedRun, MetricsRecord, write_metrics
from bevatron.store.records.runs import RunRecord, load_runs
from bevatron.store.shards.dataset import Dataset, load_dataset
from bevatron.versions import versions

log = logging.getLogger("bevatron")


def evaluate_model(
    study: Study, workflow: Workflow, name: str, manifest_path: Path, runs_path: Path, folder: Path
) -> None:
    """Publish `predictions.h5` and `metrics.json` of `study.models[name]` in `folder`.

    manifest_path: the dataset's; runs_path: the model's runs.json. Raises UserError for a dataset of another
    configuration, a damaged or missing shard or weights file, and runs made for something else.
    """
    started = time.perf_counter()
    dataset = load_dataset(manifest_path, dataset_digest(study))
    runs = load_runs(runs_path, study.name, name, dataset.manifest.sha256).runs
    folders = tuple(runs_path.parent / run.folder for run in runs)
    context = EvaluationContext(study, workflow, name, dataset, folders, tuple(run.seed for run in runs))
    predictions = predict_test_split(context)
    attributes = {
        "study": study.name,
        "model": name,
        "task": study.task.kind,
        "manifest_sha256": dataset.manifest.sha256,
        "classes": ",".join(getattr(study.task, "classes", ())),
        "parts": json.dumps(context.target_info.names, ensure_ascii=False),
    }
    write_predictions(folder / "predictions.h5", predictions, attributes, list(context.seeds))

    of_the_fits = {}
    if getattr(study.task, "loss", None) != "gaussian_nll":  # the logarithm of a density has no zero, and no ratios
        of_the_fits = measure_overtraining(context.model, runs, runs_path.parent, study.evaluation.bootstrap)
    write_metrics(folder / "metrics.json", metrics_record(context, runs, predictions, of_the_fits))
    log.info(
        "%s/%s: %d seeds on %d test samples in %.1f s",
        study.name, name, len(runs), len(predictions), time.perf_counter() - started,
    )  # fmt: skip


def metrics_record(
    context: EvaluationContext,
    runs: tuple[RunRecord, ...],
    predictions: Predictions,
    of_the_fits: dict[str, Measurement] | None = None,
) -> MetricsRecord:
    """metrics.json: what was measured, on what, by which runs, and the curves of the plots.

    of_the_fits: metrics that come from the course of the trainings, not from the predictions.
    """
    study, settings = context.study, context.study.evaluation
    events = predictions.id if predictions.event is None else predictions.event
    bootstrap = Bootstrap(events, settings.bootstrap, context.dataset.manifest.sha256, predictions.weight)
    metrics, curves = EVALUATIONS[study.task.kind]().metrics(study.task, predictions, bootstrap, context)
    metrics = metrics | (of_the_fits or {})
    if settings.importance is not None:
        from bevatron.evaluate.inspection.importance import measure_importance  # torch

        curves = curves | measure_importance(context, bootstrap)
    return MetricsRecord(
        study=study.name,
        model=context.model_name,
        title=context.model.title,
        task=study.task.kind,
        target=context.target,
        manifest_sha256=context.dataset.manifest.sha256,
        parameters=runs[0].n_weights,
        runs=tuple(EvaluatedRun.of(run) for run in runs),
        versions=versions(),
        n_test=len(predictions),
        n_test_events=bootstrap.n_events,
        n_test_effective=bootstrap.effective_samples,
        confidence=settings.confidence,
        metrics={key: m.as_record() for key, m in metrics.items()},
        bootstrap={key: m.replicas for key, m in metrics.items()},
        curves=curves,
    )


def predict_test_split(context: EvaluationContext) -> Predictions:
    """What the trained networks say of the test split, with all that the study's task compares it with."""
    from bevatron.evaluate.predictions.inference import predict  # torch

    study, model, dataset = context.study, context.model, context.dataset
    targets = EVALUATIONS[study.task.kind]().targets(study.task, model)
    dataset.check_names(model.inputs, targets)
    predictions = predict(context.folders, dataset, model.inputs, targets, context.workflow, model.training.threads)
    expected = EVALUATIONS[study.task.kind]().outputs(study.task, context.target_info)
    shape = predictions.outputs.shape[2:]
    if len(shape) != len(expected) or any(n not in (None, m) for n, m in zip(expected, shape, strict=True)):
        needed = " × ".join("n" if n is None else str(n) for n in expected)
        what = f"has {' × '.join(map(str, shape))} outputs, the task needs {needed}"
        raise UserError(
            context.folders[0] / "model.json", what, f"run `bevatron train {study.name} {context.model_name}` again"
        )
    feature = getattr(study.task, "x", None)
    x = None if feature is None else _read_feature(feature, dataset)
    columns = TestColumns(dataset)
    event = columns.events()
    return replace(
        predictions,
        x=x,
        event=None if np.array_equal(event, predictions.id) else event,
        weight=columns.weights(),
        observers={name: columns.observer(name) for name in dataset.manifest.observers},
    )


def _read_feature(name: str, dataset: Dataset) -> np.ndarray:
    values = TestColumns(dataset).find_feature(name)
    if values is None:
        raise UserError(
            dataset.manifest_path, f"has no dense feature '{name}', which task.x names", "fix task.x in the study"
        )
    return values
