"""Observe the samples without any network, of the test split or of all: single features, class by class."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.data_part import DataPart
from bevatron.config.sections.observable import Observable
from bevatron.config.sections.task import Classification, Regression
from bevatron.evaluate.inspection.examples import select_examples
from bevatron.evaluate.inspection.tagging import read_variable
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.classes import pairs_of
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.statistics.roc import ROC_GRID
from bevatron.store.records.data import DataRecord, ObservableRecord, PointsRecord, write_data
from bevatron.store.shards.dataset import Dataset, load_dataset
from bevatron.versions import versions

log = logging.getLogger("bevatron")
BINS = 50
POINTS = 2_000


@dataclass(frozen=True)
class _Samples:
    """The samples of one or several splits: their columns, labels (n,), and the bootstrap over their events."""

    columns: TestColumns
    labels: np.ndarray
    bootstrap: Bootstrap


def _read_splits(study: DataPart, dataset: Dataset, splits: Sequence[str]) -> _Samples:
    columns, task, replicas = TestColumns(dataset, splits), study.task, study.evaluation.bootstrap
    events = columns.events()
    labels = np.zeros(len(events), np.int64)
    if isinstance(task, Classification):
        labels = columns.target(task.target).astype(np.int64)
    return _Samples(columns, labels, Bootstrap(events, replicas, dataset.manifest.sha256, columns.weights()))


def measure_observables(study: DataPart, manifest_path: Path, output: Path) -> None:
    """Publish `data.json`: histograms and metrics of the study's observables, a regression's points, a few images.

    Metrics: `<observable>.mean.<class>`, `<observable>.median.<class>`, `<observable>.auc.<a>_vs_<b>` for
    every pair and `<observable>.auc.<signal>_vs_rest`; without classes `<observable>.mean` and
    `<observable>.median`. A sample whose list is too short to have the element counts as 'missing': it is in
    no mean or median, and in an AUC it ranks below every other, as a cut from below would lose it. Samples count by
    their weights, where they have any, in metrics and histograms. An observable with `samples: all` is measured on all
    splits, with a bootstrap over all of their events.
    """
    dataset = load_dataset(manifest_path, dataset_digest(study))
    test, task, settings = _read_splits(study, dataset, ("test",)), study.task, study.evaluation
    columns, manifest, bootstrap = test.columns, dataset.manifest, test.bootstrap
    n = manifest.n_samples("test")
    classes = list(task.classes) if isinstance(task, Classification) else [""]
    for profile in settings.profiles.values():
        read_variable(columns, profile)  # a name that the dataset does not know is told before the networks are trained
    samples = {"test": test}
    if any(observable.samples == "all" for observable in settings.observables.values()):
        samples["all"] = _read_splits(study, dataset, manifest.split_names)
    metrics: dict[str, Measurement] = {}
    histograms: dict[str, ObservableRecord] = {}
    for name, observable in settings.observables.items():
        measured = samples[observable.samples]
        values = measured.columns.feature(observable.group, observable.feature, observable.position)
        unit = columns.unit(observable.group, observable.feature)
        labels, replicas, roc = measured.labels, measured.bootstrap, None
        for key, measurement in _averages(values, labels, classes, replicas, settings.confidence, unit).items():
            metrics[f"{name}.{key}"] = measurement
        if isinstance(task, Classification):
            cuts, roc = _measure_cuts(task, values, labels, replicas, settings.confidence)
            metrics |= {f"{name}.{key}": measurement for key, measurement in cuts.items()}
        histograms[name] = _fill_histogram(observable, unit, values, labels, classes, roc, replicas)
    record = DataRecord(
        study=study.name,
        task=task.kind,
        manifest_sha256=manifest.sha256,
        versions=versions(),
        n_test=n,
        n_test_events=bootstrap.n_events,
        n_test_effective=bootstrap.effective_samples,
        confidence=settings.confidence,
        metrics={key: m.as_record() for key, m in metrics.items()},
        bootstrap={key: m.replicas for key, m in metrics.items()},
        observables=histograms,
        examples=select_examples(study, columns),
        points=None if isinstance(task, Classification) else _select_points(study, columns, n),
    )
    write_data(output, record)
    log.info("%s: %d observables of %d test samples", study.name, len(histograms), n)


def _fill_histogram(
    observable: Observable,
    unit: str,
    values: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    roc: dict[str, tuple[float, ...]] | None,
    bootstrap: Bootstrap,
) -> ObservableRecord:
    """Counts per class in equal bins, what is outside of them, and samples without the element; with weights their
    sums, and with weights or several samples of an event their errors.
    """
    present = np.isfinite(values)
    if observable.range is not None:
        low, high = observable.range
    elif present.any():
        low, high = (float(q) for q in np.quantile(values[present], [0.01, 0.99]))
    else:
        low, high = 0.0, 1.0
    edges = _edges(low, high, whole=bool((values[present] == np.round(values[present])).all()))
    low, high = float(edges[0]), float(edges[-1])
    weighted = bootstrap.sample_weights is not None
    counts, errors, below, above, missing, total = {}, {}, {}, {}, {}, {}

    def weight_of(rows: np.ndarray) -> float:
        return bootstrap.total(rows) if weighted else int(rows.sum())

    for k, name in enumerate(classes):
        of_class = labels == k
        content, error = bootstrap.histogram(values, edges, of_class & present)
        counts[name] = tuple((content if weighted else content.astype(int)).tolist())
        errors[name] = tuple(error.tolist())
        with np.errstate(invalid="ignore"):  # NaN where there is no value
            below[name], above[name] = weight_of(of_class & (values < low)), weight_of(of_class & (values > high))
        missing[name], total[name] = weight_of(of_class & ~present), weight_of(of_class)
    return ObservableRecord(
        title=observable.title,
        unit=unit,
        log=observable.log,
        splits=observable.samples,
        edges=tuple(edges.tolist()),
        counts=counts,
        errors=errors if weighted or bootstrap.is_clustered else None,
        below=below,
        above=above,
        missing=missing,
        samples=total,
        roc=roc,
    )


def _edges(low: float, high: float, whole: bool) -> np.ndarray:
    """`BINS` equal bins; of whole numbers bins that all hold as many of them, up to `BINS`."""
    if whole:
        first, last = np.floor(low), np.ceil(high)
        step = max(1, int(np.ceil((last - first + 1) / BINS)))
        return np.arange(first, last + step + 0.5, step) - 0.5
    if low >= high:
        low, high = low - 0.5, low + 0.5
    return np.linspace(low, high, BINS + 1)


def _averages(
    values: np.ndarray,
    labels: np.ndarray,
    classes: list[str],
    bootstrap: Bootstrap,
    confidence: float,
    unit: str,
) -> dict[str, Measurement]:
    averages = {}
    for k, name in enumerate(classes):
        rows = np.flatnonzero((labels == k) & np.isfinite(values))
        suffix = f".{name}" if name else ""
        for word, average in (("mean", bootstrap.mean), ("median", bootstrap.median)):
            nothing = np.full(bootstrap.replicas + 1, np.nan)
            replicas = average(np.nan_to_num(values), rows) if len(rows) else nothing
            averages[f"{word}{suffix}"] = measure([replicas], confidence, unit, spread=False)
    return averages


def _measure_cuts(
    task: Classification, values: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> tuple[dict[str, Measurement], dict[str, tuple[float, ...]]]:
    """AUCs of a cut from below on the observable, and its ROC curves on the grid of the networks' curves.

    The AUC against all backgrounds is that for the composition that the task states, if it states one.
    """
    score = np.where(np.isfinite(values), values, -np.inf)
    is_class = {name: labels == k for k, name in enumerate(task.classes)}
    compared = {f"auc.{a}_vs_{b}": (is_class[a], is_class[b]) for a, b in pairs_of(task)}
    fractions, areas = task.normalised_fractions(), {}
    if fractions is None:
        compared[f"auc.{task.signal}_vs_rest"] = (is_class[task.signal], ~is_class[task.signal])
    names = {f"auc.{task.signal}_vs_{name}": name for name in task.classes if name != task.signal}
    metrics, curves = {}, {}
    for key, of in compared.items():  # one after the other: a ranking of all samples is large
        ranking = Ranking(score, *of)
        area = ranking.auc(bootstrap)
        metrics[key] = measure([area], confidence, spread=False)
        if key in names:
            areas[names[key]] = area
            curves[names[key]] = tuple(ranking.background_at(ROC_GRID, bootstrap.sample_weights).tolist())
    if fractions is not None:
        area = np.sum([fraction * areas[name] for name, fraction in fractions.items()], axis=0)
        metrics[f"auc.{task.signal}_vs_rest"] = measure([area], confidence, spread=False)
    return metrics, curves


def _select_points(study: DataPart, columns: TestColumns, n: int) -> PointsRecord | None:
    """Up to `POINTS` samples of a regression, evenly spread over the split: x, every scalar target."""
    task = study.task
    if not isinstance(task, Regression) or task.x is None:
        return None
    x = columns.find_feature(task.x)
    if x is None:
        return None
    rows = np.unique(np.linspace(0, n - 1, min(POINTS, n)).astype(int))
    targets: dict[str, np.ndarray] = {}
    for name, info in columns.manifest.targets.items():
        if info.shape == ():
            targets[name] = columns.target(name)[rows]
        elif info.names and name in (task.target, task.truth):
            values = columns.target(name)[rows]
            targets |= {f"{name}: {part}": values[:, k] for k, part in enumerate(info.names)}
    return PointsRecord(
        x=tuple(float(f"{v:.6g}") for v in x[rows]),
        targets={name: tuple(float(f"{v:.6g}") for v in values) for name, values in targets.items()},
        target=task.target,
        truth=task.truth,
    )
