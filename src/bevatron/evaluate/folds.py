"""Cross-validation: each sample predicted by the networks that have not seen it, and all folds as one test sample.

The name of the predictions in the literature is out-of-fold predictions. Together they are one test sample as large as
the dataset, so that every metric, interval and claim is measured on it as on any other test split.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EVALUATIONS, EvaluationContext, Predictions
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.predictions.test_split import predict_test_split
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.trained_settings import check_trained_settings
from bevatron.store.files.names import fold_folder, fold_manifest
from bevatron.store.records.folds import Folds
from bevatron.store.records.runs import RunRecord, load_runs, read_runs
from bevatron.store.shards.dataset import Dataset, load_dataset
from bevatron.store.shards.folds import fold_of
from bevatron.store.shards.manifest import PREPARE_AGAIN

FEW_REPLICAS = 20  # of a fold by itself, of which only the value is kept


@dataclass(frozen=True)
class PredictedSplit:
    """The networks of a runs.json, which is in `runs_folder`, and what they predict for their test split."""

    context: EvaluationContext
    runs: tuple[RunRecord, ...]
    runs_folder: Path
    predictions: Predictions


def predict_with(
    study: Study, workflow: Workflow, name: str, dataset: Dataset, runs_path: Path, learned_from: Dataset | None = None
) -> PredictedSplit:
    """The networks of one runs.json on the test split of the dataset, from which they have learned, or another."""
    record = load_runs(runs_path, study.name, name, (learned_from or dataset).manifest.sha256)
    check_trained_settings(study, name, record, runs_path)
    runs = record.runs
    folders = tuple(runs_path.parent / run.folder for run in runs)
    context = EvaluationContext(study, workflow, name, dataset, folders, tuple(run.seed for run in runs), learned_from)
    return PredictedSplit(context, runs, runs_path.parent, predict_test_split(context))


def predict_folds(
    study: Study, workflow: Workflow, name: str, whole: Dataset, runs_paths: Sequence[Path]
) -> list[PredictedSplit]:
    """The networks of every fold on the events of the fold, in the order of the folds.

    whole: the dataset of all folds; runs_paths: the runs.json of each fold, in any order. Raises UserError where one is
    missing, stands twice, or is of other seeds than the others, and for a manifest other than the one that `whole`
    lists.
    """
    folds = _folds_of(whole)
    by_fold = _runs_by_fold(study, name, whole, runs_paths)
    tests = []
    for fold, digest in enumerate(folds.manifests):
        path = whole.folder / fold_manifest(fold)
        dataset = load_dataset(path, dataset_digest(study))
        if dataset.manifest.sha256 != digest or dataset.manifest.folds != Folds(k=folds.k, by=folds.by, left_out=fold):
            raise UserError(path, f"is not the manifest that {whole.manifest_path.name} lists", PREPARE_AGAIN)
        _check_disjoint(dataset)
        test = predict_with(study, workflow, name, dataset, by_fold[fold])
        if tests and test.context.seeds != tests[0].context.seeds:
            seeds = [", ".join(map(str, t.context.seeds)) for t in (test, tests[0])]
            what = f"has the seeds {seeds[0]}, and fold 0 has {seeds[1]}"
            raise UserError(by_fold[fold], what, f"run `bevatron train {study.name} {name}` again for each fold")
        tests.append(test)
    return tests


def join_folds(whole: Dataset, tests: Sequence[PredictedSplit]) -> Predictions:
    """The predictions of all folds as those of one test sample, in the order of the test split of `whole`.

    Raises UserError unless each sample of the dataset is predicted exactly once, by networks of its own event's fold.
    """
    folds, parts = _folds_of(whole), [test.predictions for test in tests]
    first = parts[0]
    for fold, part in enumerate(parts):
        events = part.id if folds.by == "id" or part.event is None else part.event
        if (wrong := np.flatnonzero(fold_of(events, folds.k) != fold)).size:
            what = f"sample {part.id[wrong[0]]} in its test split is of another fold"
            raise UserError(tests[fold].context.dataset.manifest_path, what, PREPARE_AGAIN)
    ids = np.concatenate([part.id for part in parts])
    if len(np.unique(ids)) != len(ids) or not np.array_equal(ids, TestColumns(whole).ids()):
        raise UserError(whole.manifest_path, "its folds do not hold each of its samples once", PREPARE_AGAIN)
    has_event = any(part.event is not None for part in parts)  # of a fold without pairs, the ids say it
    return Predictions(
        np.concatenate([part.outputs for part in parts], axis=1),
        {name: np.concatenate([part.targets[name] for part in parts]) for name in first.targets},
        ids,
        None if first.x is None else np.concatenate([part.x for part in parts if part.x is not None]),
        np.concatenate([part.id if part.event is None else part.event for part in parts]) if has_event else None,
        None if first.weight is None else np.concatenate([part.weight for part in parts if part.weight is not None]),
        {name: np.concatenate([part.observers[name] for part in parts]) for name in first.observers},
        np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
    )


def context_of_folds(whole: Dataset, tests: Sequence[PredictedSplit]) -> EvaluationContext:
    """What the evaluation of the joined folds needs; what looks into networks looks into those of fold 0."""
    return replace(tests[0].context, dataset=whole)


def measure_folds(tests: Sequence[PredictedSplit]) -> dict[str, tuple[float | None, ...]]:
    """Each metric's values on the folds by themselves, means over the seeds, in the order of the folds."""
    values = []
    for test in tests:
        predictions, study = test.predictions, test.context.study
        events = predictions.id if predictions.event is None else predictions.event
        digest = test.context.dataset.manifest.sha256
        bootstrap = Bootstrap(events, FEW_REPLICAS, digest, predictions.weight)
        context = replace(test.context, folders=())  # nothing is looked into
        measured, _ = EVALUATIONS[study.task.kind]().metrics(study.task, predictions, bootstrap, context)
        values.append({name: metric.value for name, metric in measured.items()})
    return {name: tuple(of_fold.get(name) for of_fold in values) for name in values[0]}


def _folds_of(whole: Dataset) -> Folds:
    folds = whole.manifest.folds
    if folds is None or len(folds.manifests) != folds.k:
        raise UserError(whole.manifest_path, "does not list the manifest of each fold", PREPARE_AGAIN)
    return folds


def _runs_by_fold(study: Study, name: str, whole: Dataset, paths: Sequence[Path]) -> dict[int, Path]:
    """The runs.json of each fold; raises UserError unless there is one of each."""
    k, by_fold = _folds_of(whole).k, dict[int, Path]()
    for path in paths:
        folds = read_runs(path, study.name, name).folds
        if folds is None or folds.left_out is None:
            what = f"holds runs that leave no fold out, and {whole.manifest_path} is of {k} folds"
            raise UserError(path, what, f"run `bevatron train {study.name} {name}` for each fold")
        if folds.left_out in by_fold:
            what = f"leaves out fold {folds.left_out}, as {by_fold[folds.left_out]} does"
            raise UserError(path, what, "give each fold once")
        by_fold[folds.left_out] = path
    if missing := sorted(set(range(k)) - set(by_fold)):
        manifest = whole.folder / fold_manifest(missing[0])
        todo = f"run `bevatron train {study.name} {name} --manifest {manifest} ...`, and give --runs of each fold"
        raise UserError("--runs", f"no runs of {fold_folder(missing[0])} are given", todo)
    return by_fold


def _check_disjoint(dataset: Dataset) -> None:
    """Raises UserError for a manifest that tests on what it lets networks learn from."""
    files = {split: {entry.file for entry in entries} for split, entries in dataset.manifest.splits.items()}
    if both := sorted(files["test"] & (files["train"] | files["val"])):
        raise UserError(dataset.manifest_path, f"{both[0]} is in its test split and in another", PREPARE_AGAIN)
