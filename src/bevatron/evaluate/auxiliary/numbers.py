"""Metrics of auxiliary regressions."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.regression_curves import regression_curves
from bevatron.evaluate.statistics.series import Series, join_series
from bevatron.evaluate.tasks.regression import regression_series


@dataclass
class Numbers:
    """Predictions (n, k) and targets (n, k), in parts, in the order of the samples. A target of NaN is missing."""

    predictions: list[np.ndarray] = field(default_factory=list)
    targets: list[np.ndarray] = field(default_factory=list)

    def add(self, predictions: np.ndarray, target: np.ndarray) -> None:
        """Adds the next samples."""
        self.predictions.append(predictions)
        self.targets.append(target.reshape(len(target), -1).astype(np.float64))

    def __add__(self, other: "Numbers") -> "Numbers":
        return Numbers(self.predictions + other.predictions, self.targets + other.targets)


def number_results(
    of_seeds: list[Numbers], names: tuple[str, ...], bootstrap: Bootstrap
) -> tuple[Series, dict[str, Any]]:
    """Metrics of `regression_series` and `mae`, the mean absolute error, over the samples that have all numbers of the
    target; of several numbers as `<metric>.<name>`, with the mean of `r2`.

    Curves: {"samples": with a target, "of": all, "parts": {name: those of `regression_curves`}}, the name '' of a
    single number.
    """
    target = np.concatenate(of_seeds[0].targets)
    predictions = np.stack([np.concatenate(s.predictions) for s in of_seeds]).astype(np.float64)
    rows = np.flatnonzero(np.isfinite(target).all(axis=1))
    weights = None if bootstrap.sample_weights is None else bootstrap.sample_weights[rows]
    there = bootstrap.subset(rows)
    series: dict[str, Series] = {}
    curves: dict[str, Any] = {"samples": len(rows), "of": len(target), "parts": {}}
    if not len(rows):
        return Series({}), curves
    for k, name in enumerate(names or ("",)):
        of_number, truth = predictions[:, rows, k], target[rows, k]
        series[name] = regression_series(of_number, truth, None, there)
        series[name] |= Series({"mae": [there.mean(np.abs(truth - p)) for p in of_number]})
        curves["parts"][name] = regression_curves(of_number, truth, None, None, weights)
    return (series[""] if not names else join_series(series, {"r2": "mean"})), curves
