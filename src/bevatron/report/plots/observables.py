"""Single features of the test split, class by class."""

from textwrap import fill

import mplhep
import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, grid
from bevatron.store.records.data import ObservableRecord


def observables(drawn: list[ObservableRecord], classes: list[str]) -> Figure:
    """A panel for each observable: its distribution in each class, of unit area, with sqrt(N) errors.

    drawn: entries of `observables` in data.json; classes: in the order of their colours, [""] without any. The legend
    quotes the fraction of the class outside of the panel, or without the element, where that is above 1 %.
    """
    figure, panels = grid(len(drawn))
    for axes, entry in zip(panels, drawn, strict=True):
        edges = np.array(entry.edges)
        for i, name in enumerate(classes):
            counts = np.array(entry.counts[name], float)
            scale = 1.0 / (max(counts.sum(), 1.0) * np.diff(edges))
            colour = COLOURS[i % len(COLOURS)]
            label = name + _left_out(entry, name)
            mplhep.histplot(counts * scale, edges, ax=axes, color=colour, lw=1.5, label=label, yerr=False)
            middle, full = (edges[1:] + edges[:-1]) / 2, counts > 0
            axes.errorbar(
                middle[full],
                (counts * scale)[full],
                yerr=(np.sqrt(counts) * scale)[full],
                fmt="none",
                ecolor=colour,
                elinewidth=0.8,
                alpha=0.7,
            )
        axes.set_xlim(edges[0], edges[-1])
        if entry.log:
            axes.set_yscale("log")
            low, high = axes.get_ylim()
            axes.set_ylim(low, high * 6)
        else:
            axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
        unit = f" [{entry.unit}]" if entry.unit else ""
        axes.set_xlabel(fill(f"{entry.title}{unit}", 44))
        axes.set_ylabel("density" + (f" [1/{entry.unit}]" if entry.unit else ""))
        if any(classes):
            axes.legend(loc="upper right")
    return figure


def _left_out(entry: ObservableRecord, name: str) -> str:
    total = max(entry.samples[name], 1)
    outside = (entry.below[name] + entry.above[name]) / total
    missing = entry.missing[name] / total
    words = [f"{outside:.0%} outside"] if outside > 0.01 else []
    words += [f"{missing:.0%} without"] if missing > 0.01 else []
    return f" ({', '.join(words)})" if words else ""
