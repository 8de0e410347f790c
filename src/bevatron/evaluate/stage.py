"""Evaluate one model: predictions of all its seeds for the test split, metrics and their uncertainties."""

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EVALUATIONS, EvaluationContext, Predictions
from bevatron.evaluate.folds import context_of_folds, join_folds, measure_folds, predict_folds, predict_with
from bevatron.evaluate.inspection.overtraining import measure_overtraining
from bevatron.evaluate.inspection.validation_losses import measure_validation_losses
from bevatron.evaluate.predictions.file import write_predictions
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement
from bevatron.evaluate.variation import load_nominal
from bevatron.store.records.metrics import EvaluatedRun, MetricsRecord, write_metrics
from bevatron.store.records.runs import RunRecord
from bevatron.store.shards.dataset import load_dataset
from bevatron.versions import versions

log = logging.getLogger("bevatron")


def evaluate_model(
    study: Study,
    workflow: Workflow,
    name: str,
    manifest_path: Path,
    runs_path: Path | Sequence[Path],
    folder: Path,
    nominal_manifest: Path | None = None,
) -> None:
    """Publish `predictions.h5` and `metrics.json` of `study.models[name]` in `folder`.

    manifest_path: the dataset's; runs_path: the model's runs.json, of a cross-validation, whose manifest is that of all
    folds, one for each fold: then each sample is predicted by the networks that have not seen it. nominal_manifest: of
    a variation, that of the dataset from which the networks have learned. Raises UserError for
    a dataset of another configuration, a damaged or missing shard or weights file, and runs made for something else.
    """
    started = time.perf_counter()
    dataset = load_dataset(manifest_path, dataset_digest(study))
    paths = [runs_path] if isinstance(runs_path, Path) else list(runs_path)
    if dataset.manifest.folds is not None and dataset.manifest.folds.left_out is None:
        tests = predict_folds(study, workflow, name, dataset, paths)
        context = context_of_folds(dataset, tests)
        predictions = join_folds(dataset, tests)
    elif len(paths) > 1:
        raise UserError(
            "--runs", f"{len(paths)} are given, and {manifest_path} needs one", "give the model's runs.json"
        )
    else:
        nominal = None
        if study.variation:
            if nominal_manifest is None:
                what = f"'{study.variation}' is a variation, whose networks have learned from the nominal dataset"
                raise UserError("--nominal", what, "give that dataset's manifest.json")
            nominal = load_nominal(dataset, nominal_manifest, study)
        tests = [predict_with(study, workflow, name, dataset, paths[0], nominal)]
        context, predictions = tests[0].context, tests[0].predictions
    runs = tuple(run for test in tests for run in test.runs)
    attributes = {
        "study": study.name,
        "model": name,
        "task": study.task.kind,
        "manifest_sha256": dataset.manifest.sha256,
        "classes": ",".join(getattr(study.task, "classes", ())),
        "parts": json.dumps(context.target_info.names, ensure_ascii=False),
        **({"variation": study.variation} if study.variation else {}),
    }
    write_predictions(folder / "predictions.h5", predictions, attributes, list(context.seeds))

    of_the_fits: dict[str, Measurement] = {}
    # The logarithm of a density has no zero, and no ratios; the fits are the same for a variation.
    if not study.variation and getattr(study.task, "loss", None) != "gaussian_nll":
        of_tests = [(test.runs, test.runs_folder) for test in tests]
        of_the_fits = measure_overtraining(context.model, of_tests, study.evaluation.bootstrap)
    if not study.variation:
        of_tests, replicas = [(test.runs, test.runs_folder) for test in tests], study.evaluation.bootstrap
        of_the_fits |= measure_validation_losses(study.evaluation.loss_at, of_tests, replicas)
        of_the_fits |= _gradients(tests[0].context)
    of_networks: dict[str, Any] = {}
    if study.evaluation.importance is not None and not study.variation:
        of_networks = _importance(tests[0].context, tests[0].predictions)
    by_fold = measure_folds(tests) if dataset.manifest.folds is not None and len(tests) > 1 else {}
    if context.model.auxiliary:
        from bevatron.evaluate.auxiliary.measure import measure_auxiliary  # torch

        bootstrap = _bootstrap(context, predictions)
        auxiliary = measure_auxiliary([test.context for test in tests], context, predictions, bootstrap)
        of_the_fits, by_fold = of_the_fits | auxiliary.metrics, by_fold | auxiliary.by_fold
        of_networks = {**of_networks, "auxiliary": auxiliary.curves}
    record = metrics_record(context, runs, predictions, of_the_fits, by_fold, of_networks)
    write_metrics(folder / "metrics.json", record)
    log.info(
        "%s/%s: %d seeds on %d test samples in %.1f s",
        study.name, name, len(context.seeds), len(predictions), time.perf_counter() - started,
    )  # fmt: skip


def metrics_record(
    context: EvaluationContext,
    runs: tuple[RunRecord, ...],
    predictions: Predictions,
    of_the_fits: dict[str, Measurement] | None = None,
    by_fold: dict[str, tuple[float | None, ...]] | None = None,
    of_networks: dict[str, Any] | None = None,
) -> MetricsRecord:
    """metrics.json: what was measured, on what, by which runs, and the curves of the plots.

    of_the_fits: metrics that come from the trainings or their heads, not from the predictions. by_fold: of a
    cross-validation, each metric's values on the folds by themselves. of_networks: further curves, of what the networks
    rely on.
    """
    study, settings = context.study, context.study.evaluation
    bootstrap = _bootstrap(context, predictions)
    metrics, curves = EVALUATIONS[study.task.kind]().metrics(study.task, predictions, bootstrap, context)
    metrics = metrics | (of_the_fits or {})
    metrics = {key: m.with_folds(by_fold[key]) if by_fold and key in by_fold else m for key, m in metrics.items()}
    return MetricsRecord(
        study=study.name,
        model=context.model_name,
        title=context.model.title,
        task=study.task.kind,
        target=context.target,
        manifest_sha256=context.dataset.manifest.sha256,
        folds=context.dataset.manifest.folds,
        variation=study.variation,
        nominal_sha256=None if context.learned_from is None else context.learned_from.manifest.sha256,
        parameters=runs[0].n_weights,
        runs=tuple(EvaluatedRun.of(run) for run in runs),
        versions=versions(),
        n_test=len(predictions),
        n_test_events=bootstrap.n_events,
        n_test_effective=bootstrap.effective_samples,
        confidence=settings.confidence,
        metrics={key: m.as_record() for key, m in metrics.items()},
        bootstrap={key: m.replicas for key, m in metrics.items()},
        curves=curves | (of_networks or {}),
    )


def _bootstrap(context: EvaluationContext, predictions: Predictions) -> Bootstrap:
    events = predictions.id if predictions.event is None else predictions.event
    learned_from = context.learned_from or context.dataset  # a variation has the replicas of the nominal test split
    replicas = context.study.evaluation.bootstrap
    return Bootstrap(events, replicas, learned_from.manifest.sha256, predictions.weight)


def _gradients(context: EvaluationContext) -> dict[str, Measurement]:
    """Of a model that is to be checked; of a cross-validation the networks of fold 0."""
    if context.model_name not in context.study.evaluation.check_gradients:
        return {}
    from bevatron.evaluate.inspection.gradients import measure_gradients  # torch

    return measure_gradients(context, context.study.evaluation.bootstrap)


def _importance(context: EvaluationContext, predictions: Predictions) -> dict[str, Any]:
    """On which features the networks rely; of a cross-validation those of fold 0, on events that they have not seen."""
    from bevatron.evaluate.inspection.importance import measure_importance  # torch

    return measure_importance(context, _bootstrap(context, predictions))
