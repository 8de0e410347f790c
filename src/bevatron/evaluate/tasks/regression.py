"""Metrics and curves of a regression on the test split."""

from typing import Any

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Regression
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement, measure

POINTS = 400
BINS = 40


@evaluation("regression")
class RegressionEvaluation:
    """How far predictions lie from the target, and from the truth where it is known."""

    def targets(self, task: Regression, model: Model) -> list[str]:
        """As the interface says: the target, and the truth where the task names one."""
        return list(dict.fromkeys([model.target or task.target, *([task.truth] if task.truth else [])]))

    def outputs(self, task: Regression) -> tuple[int, ...]:
        """As the interface says: one number, in the target's unit."""
        return (1,)

    def metrics(
        self, task: Regression, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Those of `regression_metrics` and `regression_curves`."""
        predicted = predictions.outputs[:, :, 0]
        target = predictions.targets[context.target].astype(np.float64)
        truth = predictions.targets[task.truth].astype(np.float64) if task.truth else None
        metrics = regression_metrics(predicted, target, truth, bootstrap, context.confidence)
        return metrics, regression_curves(predicted, target, truth, predictions.x, bootstrap.sample_weights)


def regression_metrics(
    predictions: np.ndarray,
    target: np.ndarray,
    truth: np.ndarray | None,
    bootstrap: Bootstrap,
    confidence: float,
) -> dict[str, Measurement]:
    """Every metric by its name; predictions (n_seeds, n), target (n,) with noise, truth (n,) without, all in
    one unit.

    rmse                RMS of target - prediction
    residual_mean/_std  mean and standard deviation of target - prediction
    and where the truth is known:
    noise               RMS of target - truth: what no model can predict, the least rmse
    rmse_over_noise     rmse / noise
    deviation           RMS of prediction - truth
    relative_deviation  deviation / standard deviation of the truth: 0 is perfect, 1 is the best constant
    """
    square, mean, missed = [], [], []
    for p in predictions:
        residual = target - p
        columns = [residual**2, residual] + ([] if truth is None else [(p - truth) ** 2])
        means = bootstrap.mean(np.stack(columns, axis=1))
        square.append(means[:, 0])
        mean.append(means[:, 1])
        missed.append(means[:, -1])
    series = {
        "rmse": [_root(s) for s in square],
        "residual_mean": mean,
        "residual_std": [np.sqrt(np.maximum(s - m**2, 0.0)) for s, m in zip(square, mean, strict=True)],
    }
    if truth is not None:
        around = truth - truth.mean()
        of_noise, variance, offset = bootstrap.mean(np.stack([(target - truth) ** 2, around**2, around], axis=1)).T
        noise, scale = _root(of_noise), np.sqrt(np.maximum(variance - offset**2, 0.0))
        deviation = [_root(m) for m in missed]
        with np.errstate(divide="ignore", invalid="ignore"):  # no noise, or a constant truth: no such ratio
            series["noise"] = [noise] * len(predictions)
            series["rmse_over_noise"] = [_root(s) / noise for s in square]
            series["deviation"] = deviation
            series["relative_deviation"] = [d / scale for d in deviation]
    return {name: measure(values, confidence) for name, values in series.items()}


def regression_curves(
    predictions: np.ndarray,
    target: np.ndarray,
    truth: np.ndarray | None,
    x: np.ndarray | None,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """What the plots need.

    fit        up to `POINTS` samples evenly spread in rank of x: x, target, truth, predictions (n_seeds,
               points); where there is no x, the target without noise stands along the axis
    residuals  {"edges", "model": counts of target - prediction, mean over seeds, "noise": counts of target -
               truth}; of samples with `weights` (n,) sums of weights, and "errors" those of the model, from Σ w²
    deviation  {"edges" of bins in x, "rms": of prediction - truth (n_seeds, bins), None where a bin is empty}
    """
    axis = x if x is not None else truth if truth is not None else target
    order = np.argsort(axis, kind="stable")
    rows = order[np.unique(np.linspace(0, len(order) - 1, min(POINTS, len(order))).astype(int))]
    curves: dict[str, Any] = {
        "fit": {
            "x": _numbers(axis[rows]),
            "target": _numbers(target[rows]),
            "truth": None if truth is None else _numbers(truth[rows]),
            "predictions": [_numbers(p[rows]) for p in predictions],
        }
    }
    noisy = truth is not None and np.any(target != truth)
    spread = float(np.std(target - truth if noisy else target - predictions))
    far = float(np.quantile(np.abs(target - predictions), 0.99, overwrite_input=True))
    half = max(4.0 * spread, far, 1e-12)
    edges = np.linspace(-half, half, 2 * BINS + 1)
    counts = sum((np.histogram(target - p, edges, weights=weights)[0] for p in predictions), np.zeros(2 * BINS))
    curves["residuals"] = {
        "edges": edges.tolist(),
        "model": (counts / len(predictions)).tolist(),
        "outside": float(np.mean([_fraction(np.abs(target - p) > half, weights) for p in predictions])),
        "noise": None if truth is None else np.histogram(target - truth, edges, weights=weights)[0].tolist(),
    }
    if weights is not None:
        squares = [np.histogram(target - p, edges, weights=weights**2)[0] for p in predictions]
        curves["residuals"]["errors"] = np.sqrt(np.mean(squares, axis=0)).tolist()
    if truth is not None:
        edges = np.linspace(axis.min(), axis.max(), BINS + 1)
        bins = np.clip(np.digitize(axis, edges) - 1, 0, BINS - 1)
        n, w = np.bincount(bins, weights, minlength=BINS), 1.0 if weights is None else weights
        rms = [
            [float(np.sqrt(s / k)) if k and s / k >= 0 else None for s, k in zip(sums, n, strict=True)]
            for sums in (np.bincount(bins, weights=(p - truth) ** 2 * w, minlength=BINS) for p in predictions)
        ]
        curves["deviation"] = {"edges": edges.tolist(), "rms": rms}
    return curves


def _root(squares: np.ndarray) -> np.ndarray:
    """NaN of a mean square that negative weights have made negative."""
    return np.sqrt(np.where(squares >= 0, squares, np.nan))


def _fraction(these: np.ndarray, weights: np.ndarray | None) -> float:
    return float(np.mean(these) if weights is None else weights[these].sum() / weights.sum())


def _numbers(values: np.ndarray) -> list[float]:
    return [float(f"{v:.6g}") for v in values]
