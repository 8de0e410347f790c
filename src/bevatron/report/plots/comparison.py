"""A simulation beside published numbers."""

from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from bevatron.report.plots.style import COLOURS, INK, create_panels


def plot_comparisons(entries: list[dict[str, Any]]) -> Figure:
    """A panel for each entry of `comparisons` in source.json: ours as coloured points with errors, published numbers
    in black, as open points with their errors or as a line.
    """
    figure, panels = create_panels(len(entries), columns=2 if len(entries) == 4 else 3, height=3.3)
    for axes, entry in zip(panels, entries, strict=True):
        ours = 0
        line_styles = ("-", "--", ":", "-.")
        published = 0
        for curve in sorted(entry["curves"], key=lambda curve: not curve["published"]):  # first in the legend
            x, y = np.array(curve["x"]), np.array(curve["y"])
            error = None if curve["error"] is None else np.array(curve["error"])
            if curve["published"]:
                if entry["line"]:
                    axes.plot(x, y, color=INK, lw=1.2, ls=line_styles[published % 4], label=curve["label"], zorder=3)
                else:
                    marker = {"fmt": "osD^"[published % 4], "mfc": "none", "mec": INK, "ms": 7, "ecolor": INK}
                    axes.errorbar(x, y, yerr=error, **marker, elinewidth=1, label=curve["label"], zorder=3)
                published += 1
                continue
            colour = COLOURS[ours % len(COLOURS)]
            ours += 1
            axes.errorbar(x, y, yerr=error, fmt=".", color=colour, elinewidth=1, label=curve["label"])
        axes.set_xscale("log" if entry["log_x"] else "linear")
        axes.set_yscale("log" if entry["log_y"] else "linear")
        if not entry["line"]:
            axes.margins(x=0.05)  # points at the ends are not cut
        if entry["x_names"]:
            axes.set_xticks(range(len(entry["x_names"])), entry["x_names"], fontsize=8.5)
            axes.set_xlim(-0.6, len(entry["x_names"]) - 0.4)
            axes.xaxis.set_minor_locator(NullLocator())
        if entry["y_range"]:
            axes.set_ylim(*entry["y_range"])
        elif entry["log_y"]:
            low, high = axes.get_ylim()
            axes.set_ylim(low, high * (high / low) ** 0.3)
        else:
            axes.set_ylim(min(0, axes.get_ylim()[0]), axes.get_ylim()[1] * 1.3)
        axes.set_xlabel(fill(entry["x"], 44))
        axes.set_ylabel(fill(entry["y"], 34))
        axes.legend(loc="upper left", fontsize=8.5)
    return figure


def caption_of(entries: list[dict[str, Any]]) -> str:
    """The panels' captions, in reading order."""
    return "The simulation beside published numbers. " + " ".join(entry["caption"] for entry in entries)
