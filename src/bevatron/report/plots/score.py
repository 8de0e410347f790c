"""The network's output, class by class."""

import matplotlib.pyplot as plt
import mplhep
import numpy as np

from bevatron.report.plots.style import COLOURS


def score(signal: str, classes: list[str], curve: dict, axes: plt.Axes) -> None:
    """Shares of each class in bins of the signal's probability, on a logarithmic axis."""
    edges = np.array(curve["edges"])
    for i, name in enumerate(classes):
        share = curve["classes"][name]
        colour = COLOURS[i % len(COLOURS)]
        mplhep.histplot(np.array(share), edges, ax=axes, color=colour, label=name, lw=1.5, yerr=False)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 1e-4), high * 8)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"probability of {signal}")
    axes.set_ylabel("share of the class / bin")
    axes.legend(loc="upper center", ncols=3)
