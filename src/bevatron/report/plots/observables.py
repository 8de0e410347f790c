"""Single features of the test split, class by class."""

from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, create_panels
from bevatron.store.records.data import ObservableRecord


def plot_observables(records: list[ObservableRecord], classes: list[str]) -> Figure:
    """A panel for each observable: its distribution in each class, of unit area, with the errors of the record, sqrt(N)
    where it has none.

    records: entries of `observables` in data.json; classes: in the order of their colours, [""] without any. The legend
    quotes the fraction of the class outside of the panel, or without the element, where that is above 1 %.
    """
    figure, panels = create_panels(len(records))
    for axes, record in zip(panels, records, strict=True):
        edges = np.array(record.edges)
        for i, name in enumerate(classes):
            counts = np.array(record.counts[name], float)
            weighted = record.errors is not None
            errors = np.array(record.errors[name]) if record.errors is not None else np.sqrt(counts)
            total = counts.sum() if weighted and counts.sum() > 0 else max(counts.sum(), 1.0)
            scale = 1.0 / (total * np.diff(edges))
            colour = COLOURS[i % len(COLOURS)]
            label = name + _fractions_left_out(record, name)
            axes.stairs(counts * scale, edges, color=colour, lw=1.5, label=label)
            middle, full = (edges[1:] + edges[:-1]) / 2, errors > 0
            axes.errorbar(
                middle[full],
                (counts * scale)[full],
                yerr=(errors * scale)[full],
                fmt="none",
                ecolor=colour,
                elinewidth=0.8,
                alpha=0.7,
            )
        axes.set_xlim(edges[0], edges[-1])
        if record.log:
            axes.set_yscale("log")
            low, high = axes.get_ylim()
            axes.set_ylim(low, high * 6)
        else:
            axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
        unit = f" [{record.unit}]" if record.unit else ""
        axes.set_xlabel(fill(f"{record.title}{unit}", 44))
        axes.set_ylabel("density" + (f" [1/{record.unit}]" if record.unit else ""))
        if any(classes):
            axes.legend(loc="upper right")
    return figure


def _fractions_left_out(record: ObservableRecord, name: str) -> str:
    total = record.samples[name] if record.samples[name] > 0 else 1
    outside = (record.below[name] + record.above[name]) / total
    missing = record.missing[name] / total
    notes = [f"{outside:.0%} outside"] if outside > 0.01 else []
    notes += [f"{missing:.0%} without"] if missing > 0.01 else []
    return f" ({', '.join(notes)})" if notes else ""
