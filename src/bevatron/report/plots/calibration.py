"""Reliability diagrams: are predicted probabilities the frequencies observed?"""

import matplotlib.pyplot as plt
import numpy as np

from bevatron.report.plots.style import COLOURS, FAINT

FEWEST = 10  # samples of a bin that is drawn


def calibration(classes: list[str], curves: dict[str, dict], axes: plt.Axes) -> None:
    """A point for each bin of each class's probability, with its binomial interval, beside the diagonal."""
    axes.plot([0, 1], [0, 1], color=FAINT, lw=1, ls="--")
    markers = "osD^vP"
    for i, name in enumerate(classes):
        points = curves[name]
        kept = np.array(points["samples"]) >= FEWEST
        predicted, observed, low, high = (np.array(points[k])[kept] for k in ("predicted", "observed", "low", "high"))
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
    axes.set_ylabel("share observed")
    axes.legend(loc="upper left")
