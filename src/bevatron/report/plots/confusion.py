"""How true classes are shared out among the predicted ones."""

import numpy as np
from matplotlib.axes import Axes

from bevatron.report.plots.style import FEW_CLASSES, INK


def plot_confusion(classes: list[str], curve: dict, axes: Axes) -> None:
    """Fractions of each true class predicted as each class (rows add up to 100 %), with binomial errors; of many
    classes whole per cent without errors, and nothing where it is none. The row of a class without samples is empty.
    """
    fraction = 100 * np.array(curve["fraction"], float)
    half = 50 * (np.array(curve["high"], float) - np.array(curve["low"], float))
    many = len(classes) > FEW_CLASSES
    axes.imshow(fraction, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for i in range(len(classes)):
        for j in range(len(classes)):
            if np.isnan(fraction[i, j]):
                continue
            colour = "white" if fraction[i, j] > 55 else INK
            if many:
                text = f"{fraction[i, j]:.0f}" if fraction[i, j] >= 0.5 else ""
                axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=9.5)
                continue
            axes.text(j, i, f"{fraction[i, j]:.1f} %", ha="center", va="bottom", color=colour, fontsize=11)
            axes.text(j, i, f"± {half[i, j]:.1f}", ha="center", va="top", color=colour, fontsize=9)
    ticks, gap = range(len(classes)), " " if many else "\n"
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if many else {}
    axes.set_xticks(ticks, classes, **turned)
    axes.set_yticks(ticks, [f"{name}{gap}({n:,})" for name, n in zip(classes, curve["samples"], strict=True)])
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
