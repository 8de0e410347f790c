"""Discriminants by class, and efficiency and rejection in bins of a variable, of several models."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bevatron.report.plots.ratio_panels import can_be_compared, create_ratio_panels, finish_ratio, ratio_to
from bevatron.report.plots.style import COLOURS, FAINT, INK, create_panels

MARKERS = "osD^vP"
CUTS = {"global": "one cut", "per_bin": "a cut for each bin"}
LOGARITHMIC = 10.0  # ratio of the last edge to the first from which the bins' axis is logarithmic
SHIFT = 0.1  # of a bin's width between the points of two models
CLASS_LINES = ("-", "--", "-.", ":")


def plot_discriminants(title: str, classes: list[str], curves: Mapping[str, dict]) -> Figure:
    """A panel for each model: the distribution of the discriminant in each class, and upright lines at the cuts of the
    working points, mean over the seeds.

    curves: by model's title its entry in `discriminants` of metrics.json.
    """
    figure, panels = create_panels(len(curves), columns=3, height=3.5)
    for axes, (model, curve) in zip(panels, curves.items(), strict=True):
        score = curve["score"]
        edges = np.array(score["edges"])
        highest, lowest = 0.0, 1.0
        for i, name in enumerate(classes):
            fraction, error = (np.array(score[key][name], float) for key in ("classes", "errors"))
            colour = COLOURS[i % len(COLOURS)]
            axes.stairs(np.nan_to_num(fraction), edges, color=colour, ls=CLASS_LINES[i % 4], lw=1.5, label=name)
            middle, full = (edges[1:] + edges[:-1]) / 2, error > 0
            axes.errorbar(middle[full], fraction[full], yerr=error[full], fmt="none", ecolor=colour, elinewidth=0.7)
            highest = np.nanmax([highest, *fraction])
            lowest = np.nanmin([lowest, *fraction[fraction > 0]])
        axes.set_yscale("log")
        axes.set_ylim(max(lowest / 2, 1e-5), highest * 4)
        for percent, cuts in curve["cuts"].items():
            if not (of_seeds := [cut for cut in cuts if cut is not None]):
                continue
            at, place = sum(of_seeds) / len(of_seeds), axes.get_xaxis_transform()
            axes.axvline(at, color=INK, lw=0.9, ls=":")
            axes.text(at, 0.985, f" {percent} %", transform=place, va="top", fontsize=9, color=INK)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_title(model, loc="left")
        axes.set_xlabel(title)
        axes.set_ylabel("fraction of the class / bin")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=6)
    return figure


def plot_profile(
    quantity: str,
    signal: str,
    backgrounds: list[str],
    efficiency: str,
    curves: Mapping[str, dict[str, Any]],
    reference: str | None = None,
) -> Figure | None:
    """Signal efficiency and rejection of each background in bins of a variable: first with one cut for all samples,
    then with a cut in each bin that keeps the same fraction of its signal; below each the ratio to the reference, by
    default the first model, where another one has points beside its own. Backgrounds of which nothing is ever kept are
    left out; None where all are.

    efficiency: the working point in per cent; curves: by model's title its entry in `profiles` of metrics.json.
    """
    points = {title: curve["points"][efficiency] for title, curve in curves.items()}
    shown = [name for name in backgrounds if any(_is_kept(p[kind][name]) for p in points.values() for kind in CUTS)]
    if not shown:
        return None
    reference = reference if reference is not None and reference in curves else next(iter(curves))
    filled = _filled(curves.values())
    panels = [(kind, name) for kind in CUTS for name in (signal, *shown)]
    found = [
        {title: _values(p[kind][name], rejection=name != signal) for title, p in points.items()}
        for kind, name in panels
    ]
    edges = {title: np.array(curve["edges"]) for title, curve in curves.items()}
    comparable = [title for title in curves if np.array_equal(edges[title], edges[reference]) and title != reference]
    with_ratio = [can_be_compared(of[reference][0], (of[title][0] for title in comparable), 1) for of in found]
    figure, pairs = create_ratio_panels(with_ratio, columns=1 + len(shown), height=4.4)
    for (axes, below), (kind, name), of in zip(pairs, panels, found, strict=True):
        base, drawn = of[reference][0], []
        for i, (title, values) in enumerate(of.items()):
            _draw_model(axes, i, len(curves), edges[title], values, title)
            if below is not None and (title in comparable or title == reference):
                ratio = tuple(ratio_to(base, part) for part in values[:3])
                _draw_model(below, i, len(curves), edges[title], (*ratio, np.full(len(base), np.nan)), title)
                drawn.append(ratio[0])
        _finish(axes, edges[reference], name, signal, float(efficiency) / 100)
        axes.set_xlim(*filled)
        axes.set_title(CUTS[kind], loc="left")
        if below is not None:
            finish_ratio(below, "ratio", drawn)
        (axes if below is None else below).set_xlabel(quantity)
    handles, labels = pairs[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return figure


def _draw_model(axes: Axes, i: int, n: int, edges: np.ndarray, values: tuple[np.ndarray, ...], title: str) -> None:
    """Steps over the bins, points with errors beside those of other models, and hollow triangles at lower limits."""
    value, low, high, limit = values
    colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
    width = np.diff(edges)
    x = (edges[1:] + edges[:-1]) / 2 + (i - (n - 1) / 2) * SHIFT * width
    if edges[0] > 0 and edges[-1] > LOGARITHMIC * edges[0]:
        x = np.sqrt(edges[1:] * edges[:-1]) * (edges[1:] / edges[:-1]) ** ((i - (n - 1) / 2) * SHIFT)
    axes.stairs(value, edges, baseline=None, color=colour, lw=0.8, alpha=0.5)
    there = np.isfinite(value)
    errors = np.nan_to_num([value - low, high - value])[:, there]
    axes.errorbar(
        x[there], value[there], yerr=np.maximum(errors, 0), fmt=marker, color=colour, elinewidth=1, ms=4, label=title
    )
    bounded = np.isfinite(limit)
    if bounded.any():
        axes.plot(
            x[bounded], limit[bounded], ls="none", marker="^", mfc="none", mec=colour, ms=6,
            label=f"{title}, lower limit",
        )  # fmt: skip


def _filled(curves: Iterable[dict[str, Any]]) -> tuple[float, float]:
    """From the first to the last edge of bins that hold samples."""
    ends = []
    for curve in curves:
        edges, full = np.array(curve["edges"]), np.flatnonzero(np.sum(list(curve["samples"].values()), axis=0))
        ends += [edges[full[0]], edges[full[-1] + 1]] if len(full) else [edges[0], edges[-1]]
    return float(min(ends)), float(max(ends))


def _finish(axes: Axes, edges: np.ndarray, name: str, signal: str, efficiency: float) -> None:
    if edges[0] > 0 and edges[-1] > LOGARITHMIC * edges[0]:
        axes.set_xscale("log")
    if name == signal:
        axes.set_ylim(0, 1.05)
        axes.axhline(efficiency, color=FAINT, lw=0.8, ls=":", zorder=0)
        axes.set_ylabel(f"{name} efficiency")
        return
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.3, high * 1.3)
    axes.set_ylabel(f"{name} rejection")


def _values(fractions: dict[str, list], rejection: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Values, the ends of their errors, and lower limits where nothing passes: (n_bins,) each, NaN where there is none.

    Of a rejection, 1 / fraction: an upper end that would be infinite is left out, as the value of a fraction of 0 is.
    """
    value, low, high = (np.array(fractions[key], float) for key in ("value", "low", "high"))
    if not rejection:
        return value, low, high, np.full(len(value), np.nan)
    passed = value > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = np.where((value == 0) & (high > 0), 1 / high, np.nan)
        upper = np.where(passed & (low > 0), 1 / low, np.nan)
        return np.where(passed, 1 / value, np.nan), np.where(passed, 1 / high, np.nan), upper, limit


def _is_kept(fractions: dict[str, list]) -> bool:
    return any(value for value in fractions["value"])
