"""Plots of auxiliary tasks: confusion matrices of elements, efficiencies of vertices."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from bevatron.report.plots.confusion import plot_confusion
from bevatron.report.plots.style import COLOURS, create_panels

MARKERS = "osD^vP"
SHIFT = 0.08  # between the points of two models, in units of a bin
LOGARITHMIC = 10.0  # the axis is logarithmic if the ratio of the last edge to the first is larger


def plot_element_confusion(curves: Mapping[str, dict[str, Any]]) -> Figure:
    """The confusion matrix of the elements' classes: a panel for each model, and in it a row for each true class.

    curves: by the model's title its entry in `auxiliary` of metrics.json.
    """
    figure, panels = create_panels(len(curves), columns=2, height=4.3)
    for axes, (title, curve) in zip(panels, curves.items(), strict=True):
        plot_confusion([name.replace("_", " ") for name in curve["classes"]], curve["confusion"], axes)
        axes.set_title(title, loc="left")
    return figure


def plot_vertex_efficiency(curves: Mapping[str, dict[str, Any]], titles: Mapping[str, str]) -> Figure:
    """Efficiency of vertices by the number of elements of the true vertex, and in bins of each profile's variable; a
    colour for each model.

    titles: of the profiles' variables, with their units.
    """
    first = next(iter(curves.values()))
    names = [name for name in titles if any(_has_values(c["profiles"].get(name)) for c in curves.values())]
    figure, panels = create_panels(1 + len(names), columns=3, height=3.6)
    for i, (title, curve) in enumerate(curves.items()):
        shift, by_size = (i - (len(curves) - 1) / 2) * SHIFT, curve["by_size"]
        _draw_points(panels[0], np.array(by_size["sizes"]) + shift, by_size, i, title)
        for axes, name in zip(panels[1:], names, strict=True):
            profile = curve["profiles"][name]
            edges = np.array(profile["edges"], float)
            x = (edges[1:] + edges[:-1]) / 2 + shift * np.diff(edges)
            if _is_logarithmic(edges):
                x = np.sqrt(edges[1:] * edges[:-1]) * (edges[1:] / edges[:-1]) ** shift
            _draw_points(axes, x, profile, i, title)
            axes.stairs(np.array(profile["value"], float), edges, baseline=None, color=_colour(i), lw=0.8, alpha=0.5)
    sizes = first["by_size"]["sizes"]
    panels[0].set_xticks(sizes, [*map(str, sizes[:-1]), f"≥ {sizes[-1]}"])
    panels[0].xaxis.set_minor_locator(NullLocator())
    panels[0].set_xlim(sizes[0] - 0.5, sizes[-1] + 0.5)
    panels[0].set_xlabel("elements of the true vertex")
    for axes, name in zip(panels[1:], names, strict=True):
        edges = np.array(first["profiles"][name]["edges"], float)
        axes.set_xscale("log" if _is_logarithmic(edges) else "linear")
        axes.set_xlim(edges[0], edges[-1])
        axes.set_xlabel(titles[name])
    for axes in panels:
        axes.set_ylim(-0.04, 1.05)  # a point at 0 is seen whole
        axes.set_ylabel("vertex efficiency")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4)
    return figure


def _draw_points(axes: Axes, x: np.ndarray, curve: dict[str, list], number: int, title: str) -> None:
    value, low, high = (np.array(curve[key], float) for key in ("value", "low", "high"))
    errors = np.maximum(np.nan_to_num([value - low, high - value]), 0.0)
    marker = MARKERS[number % len(MARKERS)]
    axes.errorbar(x, value, yerr=errors, fmt=marker, color=_colour(number), ms=4.5, elinewidth=1, label=title)


def _has_values(profile: dict[str, list] | None) -> bool:
    return profile is not None and any(value is not None for value in profile["value"])


def _is_logarithmic(edges: np.ndarray) -> bool:
    return bool(edges[0] > 0 and edges[-1] > LOGARITHMIC * edges[0])


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]
