"""Reliability diagrams: are predicted probabilities the frequencies observed?"""

import numpy as np
from matplotlib.axes import Axes

from bevatron.report.plots.style import COLOURS, FAINT, FEW_CLASSES

MIN_SAMPLES, BINS = 10, 10  # samples of a bin that is drawn; bins of all classes together


def plot_calibration(classes: list[str], curves: dict[str, dict], axes: Axes) -> None:
    """A point for each bin of each class's probability, with its binomial interval, beside the diagonal; of many
    classes for each bin of all their probabilities, with the binomial error.
    """
    axes.plot([0, 1], [0, 1], color=FAINT, lw=1, ls="--")
    markers = "osD^vP"
    points_by_class = {name: curves[name] for name in classes}
    if len(classes) > FEW_CLASSES:
        points_by_class = {"all classes": _pool_classes(list(points_by_class.values()))}
    for i, (name, points) in enumerate(points_by_class.items()):
        enough = np.array(points["samples"]) >= MIN_SAMPLES
        predicted, observed, low, high = (np.array(points[k])[enough] for k in ("predicted", "observed", "low", "high"))
        errors = np.maximum([observed - low, high - observed], 0.0)
        axes.errorbar(
            predicted,
            observed,
            yerr=errors,
            fmt=markers[i % len(markers)],
            color=COLOURS[i % len(COLOURS)],
            label=name,
            elinewidth=1,
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("fraction observed")
    axes.legend(loc="upper left")


def _pool_classes(classes: list[dict]) -> dict[str, np.ndarray]:
    """The points of all classes, whose bins may differ, in common bins."""
    n, predicted, observed = (
        np.concatenate([np.array(c[key], float) for c in classes]) for key in ("samples", "predicted", "observed")
    )
    bins = np.minimum((predicted * BINS).astype(int), BINS - 1)
    samples, p, q = (np.bincount(bins, x, BINS) for x in (n, n * predicted, n * observed))
    filled = samples > 0
    samples, p, q = samples[filled], p[filled] / samples[filled], q[filled] / samples[filled]
    error = np.sqrt(q * (1 - q) / samples)
    return {"samples": samples, "predicted": p, "observed": q, "low": q - error, "high": q + error}
