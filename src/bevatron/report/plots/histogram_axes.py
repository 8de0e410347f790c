"""What every histogram of a quantity of the test points has beside its bars."""

import numpy as np
from matplotlib.axes import Axes

TOLD = 0.0005  # fraction outside the axis from which it is written


def finish_histogram(axes: Axes, curve: dict, title: str, quantity: str, content: str) -> None:
    """Limits, title and names of the axes, and how much lies outside; curve: with `edges` and `outside`."""
    edges = np.array(curve["edges"])
    if curve["outside"] > TOLD:
        note = f"{curve['outside']:.1%} outside"
        axes.text(0.97, 0.95, note, transform=axes.transAxes, ha="right", va="top")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.set_title(title, loc="left")
    axes.set_xlabel(quantity)
    axes.set_ylabel(content)
