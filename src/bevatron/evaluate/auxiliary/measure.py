"""Metrics and curves of the auxiliary tasks of a model's networks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from bevatron.config.sections.performance import VertexFinding
from bevatron.config.sections.task import Classification
from bevatron.evaluate.auxiliary.elements import ElementSums, element_curves, element_series
from bevatron.evaluate.auxiliary.numbers import Numbers, number_results
from bevatron.evaluate.auxiliary.predict import MOST_ROWS, HeadOutputs, predict_auxiliary
from bevatron.evaluate.auxiliary.sums import ReplicaWeights
from bevatron.evaluate.auxiliary.vertices import PairLogits, VertexSums, vertex_curves, vertex_series
from bevatron.evaluate.evaluation import EvaluationContext, Predictions
from bevatron.evaluate.inspection.tagging import read_variable
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement
from bevatron.evaluate.statistics.series import Series, measure_series
from bevatron.evaluate.statistics.working_point import bin_edges, bin_numbers, plain
from bevatron.models.auxiliary.element_pairs import pairs_of
from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.network import load_spec

Sums = ElementSums | VertexSums | Numbers
OfNetworks = list[dict[str, Sums]]  # for each seed, the sums of each task


class AuxiliaryResults(NamedTuple):
    """metrics: by `<task>.<metric>`; by_fold: with several folds, the values of each metric on them, as means over the
    seeds; curves: for each task its kind, target and loss weight, and the data of its plots.
    """

    metrics: dict[str, Measurement]
    by_fold: dict[str, tuple[float | None, ...]]
    curves: dict[str, dict[str, Any]]


def measure_auxiliary(
    contexts: Sequence[EvaluationContext],
    whole: EvaluationContext,
    predictions: Predictions,
    bootstrap: Bootstrap,
    most_rows: int = MOST_ROWS,
) -> AuxiliaryResults:
    """Measures the auxiliary tasks of the networks of `contexts`, each on its own test split.

    There is one context, or one for each fold. The test splits of the folds, one after the other, are the test split of
    `whole`, `predictions` and `bootstrap`.
    """
    specs = load_spec(contexts[0].folders[0] / "model.json").auxiliary
    samples = SampleFacts(whole, predictions)
    folds, first = [], 0
    for context in contexts:
        folds.append(_sum_up(context, specs, samples, bootstrap, first, most_rows))
        first += context.dataset.manifest.n_samples("test")
    total: list[dict[str, Any]] = [dict(of_seed) for of_seed in folds[0]]
    for of_fold in folds[1:]:
        total = [{name: a[name] + b[name] for name in specs} for a, b in zip(total, of_fold, strict=True)]
    metrics, curves, by_fold = {}, {}, {}
    for name, spec in specs.items():
        series, curve = _results(name, spec, total, samples, bootstrap)
        measured = measure_series(series, whole.confidence)
        metrics |= {f"{name}.{metric}": measurement for metric, measurement in measured.items()}
        task = whole.model.auxiliary[name]
        curves[name] = {"kind": spec.kind, "target": spec.target, "weight": task.weight, **curve}
        if len(folds) > 1:
            by_fold |= _by_fold(name, spec, folds, samples, bootstrap, contexts)
    return AuxiliaryResults(metrics, by_fold, curves)


class SampleFacts:
    """The classes of all samples, if they have some, and their bins in the study's profiles."""

    def __init__(self, whole: EvaluationContext, predictions: Predictions):
        task, settings = whole.study.task, whole.study.evaluation
        self.confidence, self.finding = whole.confidence, settings.vertices
        self.targets = whole.dataset.manifest.targets
        self.classes, self.labels = (), None
        if isinstance(task, Classification):
            self.classes, self.labels = tuple(task.classes), predictions.targets[whole.target].astype(np.int64)
        self.variables: dict[str, dict[str, Any]] = {}
        self.bins: dict[str, np.ndarray] = {}
        columns: TestColumns | None = None
        for name, profile in settings.profiles.items():
            columns = columns or TestColumns(whole.dataset)
            x, unit = read_variable(columns, profile)
            edges = bin_edges(x, profile.bins, profile.n_bins)
            self.variables[name] = {"edges": plain(edges), "unit": unit}
            self.bins[name] = bin_numbers(x, edges)

    def n_bins(self) -> dict[str, int]:
        """The number of bins of each profile."""
        return {name: len(about["edges"]) - 1 for name, about in self.variables.items()}


def _sum_up(
    context: EvaluationContext,
    specs: dict[str, AuxiliarySpec],
    samples: SampleFacts,
    bootstrap: Bootstrap,
    first: int,
    most_rows: int,
) -> OfNetworks:
    """The sums of each network and task over a test split, whose first sample has the number `first` among all."""
    of_seeds: OfNetworks = [{name: _zero(spec, samples, bootstrap) for name, spec in specs.items()}
                            for _ in context.folders]  # fmt: skip
    for part in predict_auxiliary(context, specs, most_rows):
        rows = slice(first + part.first, first + part.first + part.n)
        weights = ReplicaWeights(bootstrap, rows.start, part.n)
        for of_seed, outputs in zip(of_seeds, part.outputs, strict=True):
            for name, spec in specs.items():
                _add(of_seed[name], spec, outputs[name].numpy(), part, rows, samples, weights)
    return of_seeds


def _zero(spec: AuxiliarySpec, samples: SampleFacts, bootstrap: Bootstrap) -> Sums:
    n_replicas = bootstrap.replicas + 1
    if spec.kind == "element_classification":
        return ElementSums.zero(len(spec.classes), n_replicas)
    if spec.kind == "same_vertex":
        return VertexSums.zero(len(samples.classes), n_replicas, samples.n_bins())
    return Numbers()


def _add(
    sums: Sums, spec: AuxiliarySpec, outputs: np.ndarray, part: HeadOutputs, rows: slice, samples: SampleFacts,
    weights: ReplicaWeights,
) -> None:  # fmt: skip
    if isinstance(sums, Numbers):
        sums.add(outputs, part.targets[spec.target].numpy())
        return
    target = part.element_targets[spec.target]
    values, lengths = target.values.numpy().astype(np.int64), target.lengths.numpy()
    if isinstance(sums, ElementSums):
        sums.add(outputs, values, lengths, weights)
        return
    first, second, sample = (column.numpy() for column in pairs_of(target.lengths))
    pairs = PairLogits(first, second, sample, outputs)
    classes = None if samples.labels is None else samples.labels[rows]
    bins = {name: of_samples[rows] for name, of_samples in samples.bins.items()}
    sums.add(pairs, values, lengths, weights, samples.finding, classes, bins)


def _results(
    name: str, spec: AuxiliarySpec, networks: OfNetworks, samples: SampleFacts, bootstrap: Bootstrap
) -> tuple[Series, dict[str, Any]]:
    of_seeds: list[Any] = [of_seed[name] for of_seed in networks]
    if spec.kind == "element_classification":
        return element_series(of_seeds, spec.classes), element_curves(of_seeds, spec.classes, samples.confidence)
    if spec.kind == "same_vertex":
        finding: VertexFinding = samples.finding
        curves = vertex_curves(of_seeds, finding, samples.variables, samples.confidence)
        return vertex_series(of_seeds, samples.classes), curves
    return number_results(of_seeds, samples.targets[spec.target].names, bootstrap)


def _by_fold(
    name: str,
    spec: AuxiliarySpec,
    folds: list[OfNetworks],
    samples: SampleFacts,
    bootstrap: Bootstrap,
    contexts: Sequence[EvaluationContext],
) -> dict[str, tuple[float | None, ...]]:
    """Each metric of the task on each fold, as means over the seeds."""
    values, first = [], 0
    for networks, context in zip(folds, contexts, strict=True):
        rows = np.arange(first, first + context.dataset.manifest.n_samples("test"))
        first += len(rows)
        series, _ = _results(name, spec, networks, samples, bootstrap.subset(rows))
        values.append({metric: float(np.mean([s[0] for s in of_seeds])) for metric, of_seeds in series.values.items()})
    keys = dict.fromkeys(key for of_fold in values for key in of_fold)
    return {f"{name}.{key}": tuple(_number(of_fold.get(key)) for of_fold in values) for key in keys}


def _number(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
