"""What the plots of one number of a regression are drawn from."""

from typing import Any

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.series import root

POINTS = 400
BINS = 40
PULL_EDGES = np.linspace(-5.0, 5.0, 51)
WIDTH_BINS, WIDTH_SAMPLES = 10, 20  # bins of the predicted width, and the fewest samples of one


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


def gaussian_curves(
    means: np.ndarray, widths: np.ndarray, target: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, Any]:
    """What the plots of a predicted Gaussian need; means and widths (n_seeds, n), target (n,).

    pulls   {"edges", "density": of (target - mean) / width, mean over the seeds, "outside": fraction beyond the edges}
    widths  up to `WIDTH_BINS` bins of equally many samples, by the width that each seed predicts: {"predicted": root
            mean square of the widths, "found": of target - mean, "low", "high": interval of that from the test split's
            size}, each the mean over the seeds
    """
    everything = np.arange(len(target))
    total, counts, outside = bootstrap.total(everything), np.zeros(len(PULL_EDGES) - 1), 0.0
    n_bins = max(1, min(WIDTH_BINS, len(target) // WIDTH_SAMPLES))
    predicted, found = np.zeros(n_bins), np.zeros((n_bins, bootstrap.replicas + 1))
    for mean, width in zip(means, widths, strict=True):
        pull, square = (target - mean) / width, (target - mean) ** 2
        counts += bootstrap.histogram(pull, PULL_EDGES, everything)[0] / (total * len(means))
        outside += bootstrap.total(np.abs(pull) > PULL_EDGES[-1]) / (total * len(means))
        for k, rows in enumerate(np.array_split(np.argsort(width, kind="stable"), n_bins)):
            in_bin = np.sort(rows)
            spread = root(bootstrap.mean(np.stack([square, width**2], axis=1), in_bin)).T
            found[k] += spread[0] / len(means)
            predicted[k] += spread[1, 0] / len(means)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.array([interval(replicas, ends) for replicas in found[:, 1:]]).T
    return {
        "pulls": {
            "edges": PULL_EDGES.tolist(),
            "density": (counts / np.diff(PULL_EDGES)).tolist(),
            "outside": float(outside),
        },
        "widths": {
            "predicted": _numbers(predicted),
            "found": _numbers(found[:, 0]),
            "low": _numbers(low),
            "high": _numbers(high),
        },
    }


def interval(replicas: np.ndarray, ends: list[float]) -> np.ndarray:
    """Quantiles of the replicas that have a value; NaN where none has."""
    there = replicas[np.isfinite(replicas)]
    return np.quantile(there, ends) if len(there) else np.full(len(ends), np.nan)


def _fraction(these: np.ndarray, weights: np.ndarray | None) -> float:
    return float(np.mean(these) if weights is None else weights[these].sum() / weights.sum())


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{v:.6g}") if np.isfinite(v) else None for v in values]
