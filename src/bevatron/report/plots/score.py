"""The network's output, class by class."""

import numpy as np
from matplotlib.axes import Axes

from bevatron.report.plots.style import COLOURS, FEW_CLASSES


def plot_score(signal: str, classes: list[str], curve: dict, axes: Axes) -> None:
    """Fractions of each class in bins of the signal's probability, on a logarithmic axis; of many classes the mean over
    all but the signal. Fractions of samples with weights have their errors.
    """
    edges = np.array(curve["edges"])
    fractions = {name: np.array(curve["classes"][name]) for name in classes}
    if len(classes) > FEW_CLASSES:
        others = [fraction for name, fraction in fractions.items() if name != signal]
        fractions = {"the others": np.mean(others, axis=0), signal: fractions[signal]}
    for colour, (name, fraction) in zip(COLOURS, fractions.items(), strict=False):
        axes.stairs(fraction, edges, color=colour, label=name, lw=1.5)
        error = curve.get("errors", {}).get(name)
        if error is not None:
            middle, full = (edges[1:] + edges[:-1]) / 2, np.array(error) > 0
            style = {"fmt": "none", "ecolor": colour, "elinewidth": 0.8, "alpha": 0.7}
            axes.errorbar(middle[full], fraction[full], yerr=np.array(error)[full], **style)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 1e-4), high * 8)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"probability of {signal}")
    axes.set_ylabel("fraction of the class / bin")
    axes.legend(loc="upper center", ncols=3)
