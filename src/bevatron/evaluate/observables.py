"""Observe the test split without any network: single features, class by class."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.data_part import DataPart
from bevatron.config.sections.observable import Observable
from bevatron.config.sections.task import Classification
from bevatron.evaluate.inspection.examples import examples
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.classes import pairs_of
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.tasks.classification import ROC_GRID
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json
from bevatron.store.shards.manifest import load_manifest
from bevatron.versions import versions

log = logging.getLogger("bevatron")
SCHEMA_VERSION = 1
BINS = 50
POINTS = 2_000


def measure_observables(study: DataPart, manifest: Path, output: Path) -> None:
    """Publish `data.json`: histograms and metrics of the study's observables, a regression's points, a few images.

    Metrics: `<observable>.mean.<class>`, `<observable>.median.<class>`, `<observable>.auc.<a>_vs_<b>` for
    every pair and `<observable>.auc.<signal>_vs_rest`; without classes `<observable>.mean` and
    `<observable>.median`. A sample whose list is too short to have the element counts as 'missing': it is in
    no mean or median, and in an AUC it ranks below every other, as a cut from below would lose it.
    """
    dataset = load_manifest(manifest, dataset_digest(study))
    columns = TestColumns(dataset, manifest)
    n, task, settings = dataset.n_samples("test"), study.task, study.evaluation
    bootstrap = Bootstrap(columns.events(), settings.bootstrap, dataset.sha256)
    labels = columns.target(task.target).astype(np.int64) if isinstance(task, Classification) else np.zeros(n, int)
    classes = list(task.classes) if isinstance(task, Classification) else [""]
    metrics: dict[str, Measurement] = {}
    drawn: dict[str, Any] = {}
    for name, observable in settings.observables.items():
        values = columns.feature(observable.group, observable.feature, observable.position)
        unit = columns.unit(observable.group, observable.feature)
        drawn[name] = {"title": observable.title, "unit": unit, "log": observable.log}
        drawn[name] |= _histogram(observable, values, labels, classes)
        for key, measurement in _averages(values, labels, classes, bootstrap, settings.confidence, unit).items():
            metrics[f"{name}.{key}"] = measurement
        if isinstance(task, Classification):
            cuts, drawn[name]["roc"] = _as_a_cut(task, values, labels, bootstrap, settings.confidence)
            metrics |= {f"{name}.{key}": measurement for key, measurement in cuts.items()}
    content = {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "task": task.kind,
        "manifest_sha256": dataset.sha256,
        "versions": versions(),
        "n_test": n,
        "n_test_events": bootstrap.n_events,
        "confidence": settings.confidence,
        "metrics": {key: m.to_json() for key, m in metrics.items()},
        "bootstrap": {key: list(m.replicas) for key, m in metrics.items()},
        "observables": drawn,
        "examples": examples(study, columns),
        "points": None if isinstance(task, Classification) else _points(study, columns, n),
    }
    publish_json(output, with_checksum(content))
    log.info("%s: %d observables of %d test samples", study.name, len(drawn), n)


def _histogram(observable: Observable, values: np.ndarray, labels: np.ndarray, classes: list[str]) -> dict[str, Any]:
    """Counts per class in equal bins, what lies outside of them, and samples without the element."""
    present = np.isfinite(values)
    if observable.range is not None:
        low, high = observable.range
    elif present.any():
        low, high = (float(q) for q in np.quantile(values[present], [0.01, 0.99]))
    else:
        low, high = 0.0, 1.0
    edges = _edges(low, high, whole=bool((values[present] == np.round(values[present])).all()))
    low, high = float(edges[0]), float(edges[-1])
    counts, below, above, missing, total = {}, {}, {}, {}, {}
    for k, name in enumerate(classes):
        ours = values[(labels == k) & present]
        counts[name] = np.histogram(ours, edges)[0].tolist()
        below[name], above[name] = int((ours < low).sum()), int((ours > high).sum())
        missing[name], total[name] = int(((labels == k) & ~present).sum()), int((labels == k).sum())
    return {
        "edges": edges.tolist(),
        "counts": counts,
        "below": below,
        "above": above,
        "missing": missing,
        "samples": total,
    }


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
    found = {}
    for k, name in enumerate(classes):
        rows = np.flatnonzero((labels == k) & np.isfinite(values))
        suffix = f".{name}" if name else ""
        for word, average in (("mean", bootstrap.mean), ("median", bootstrap.median)):
            nothing = np.full(bootstrap.replicas + 1, np.nan)
            replicas = average(np.nan_to_num(values), rows) if len(rows) else nothing
            found[f"{word}{suffix}"] = measure([replicas], confidence, unit, spread=False)
    return found


def _as_a_cut(
    task: Classification, values: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> tuple[dict[str, Measurement], dict[str, list[float]]]:
    """AUCs of a cut from below on the observable, and its ROC curves on the grid of the networks' curves."""
    score = np.where(np.isfinite(values), values, -np.inf)
    is_class = {name: labels == k for k, name in enumerate(task.classes)}
    compared = {f"auc.{a}_vs_{b}": (is_class[a], is_class[b]) for a, b in pairs_of(task)}
    compared[f"auc.{task.signal}_vs_rest"] = (is_class[task.signal], ~is_class[task.signal])
    names = {f"auc.{task.signal}_vs_{name}": name for name in task.classes if name != task.signal}
    metrics, curves = {}, {}
    for key, of in compared.items():  # one after the other: a ranking of all samples is large
        ranking = Ranking(score, *of)
        metrics[key] = measure([ranking.auc(bootstrap)], confidence, spread=False)
        if key in names:
            curves[names[key]] = ranking.background_at(ROC_GRID).tolist()
    return metrics, curves


def _points(study: DataPart, columns: TestColumns, n: int) -> dict[str, Any] | None:
    """Up to `POINTS` samples of a regression, evenly spread over the split: x, every scalar target."""
    if getattr(study.task, "x", None) is None:
        return None
    x = columns.named(study.task.x)
    if x is None:
        return None
    rows = np.unique(np.linspace(0, n - 1, min(POINTS, n)).astype(int))
    targets = {name: info for name, info in columns.manifest.targets.items() if info.shape == ()}
    return {
        "x": [float(f"{v:.6g}") for v in x[rows]],
        "targets": {name: [float(f"{v:.6g}") for v in columns.target(name)[rows]] for name in targets},
        "target": study.task.target,
        "truth": study.task.truth,
    }
