"""Metrics of a grid's models against one of their numbers: accuracy against the samples they learned from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bevatron.report.plots.style import COLOURS, create_panels

MARKERS = "osD^vP<>*"
OWN_TICKS = 8  # numbers of a logarithmic axis up to which each is a tick


@dataclass(frozen=True)
class CurveLine:
    """What one line joins: the models' numbers, a metric of each and its error, all in rising order of the numbers."""

    x: np.ndarray
    value: np.ndarray
    error: np.ndarray


def plot_against_number(
    panels_of: Mapping[str, Mapping[str, CurveLine]], x_title: str, x_log: bool, y_title: str = ""
) -> Figure:
    """A panel for each title, with a line of points and errors for each name. ValueError without any
    point.

    y_title: of all panels; default: each panel's title.
    """
    drawn = {title: lines for title, lines in panels_of.items() if any(line.x.size for line in lines.values())}
    if not drawn:
        raise ValueError("no model has any of the metrics that the grid's figure asks for")
    alone = len(drawn) == 1
    figure, panels = create_panels(len(drawn), columns=1 if alone else 3, height=4.4 if alone else 3.3)
    for axes, (title, lines) in zip(panels, drawn.items(), strict=True):
        for i, (name, line) in enumerate(lines.items()):
            axes.errorbar(
                line.x,
                line.value,
                yerr=line.error,
                color=COLOURS[i % len(COLOURS)],
                marker=MARKERS[i % len(MARKERS)],
                capsize=2,
                label=name,
            )
        axes.set_xlabel(x_title)
        axes.set_ylabel(y_title or title)
        axes.margins(x=0.04)  # the first and the last error lie within the frame
        if x_log:
            axes.set_xscale("log")
            numbers = np.unique(np.concatenate([line.x for line in lines.values()]))
            if numbers.size <= OWN_TICKS:
                axes.xaxis.set_major_locator(FixedLocator(numbers.tolist()))
                axes.xaxis.set_minor_locator(NullLocator())
                axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}" if x < 1e5 else f"{x:,.0f}"))
    handles, labels = panels[0].get_legend_handles_labels()
    if any(labels):
        figure.legend(handles, labels, loc="outside upper left", ncols=min(len(labels), 4))
    return figure
