"""Systematic variations: shifts of metrics, and envelopes of rejections."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.roc import rejection_of
from bevatron.report.plots.style import COLOURS, FAINT, INK, create_panels
from bevatron.report.results.measured import Measured

MARKERS = "osD^vP*X"
LINES = ("-", "--", "-.", ":")


def plot_shifts(titles: Mapping[str, str], shifts: Mapping[str, Mapping[str, Mapping[str, Measured]]]) -> Figure:
    """A panel for each metric: a row for each variation, a point with its error for each model.

    titles: of the metrics by name; shifts: by model's label, variation's title and metric.
    """
    variations = list(next(iter(shifts.values())))
    height = 1.3 + (0.22 + 0.13 * len(shifts)) * len(variations)
    columns = 2 if len(titles) == 4 else min(3, len(titles))
    figure, panels = create_panels(len(titles), columns=columns, height=max(2.2, height))
    for number, (axes, (metric, title)) in enumerate(zip(panels, titles.items(), strict=True)):
        axes.axvline(0.0, color=FAINT, lw=1.0, zorder=0)
        ends = [0.0]
        for i, (label, of_model) in enumerate(shifts.items()):
            found = [of_model[variation].get(metric) for variation in variations]
            y = np.arange(len(variations)) + 0.7 * ((i + 0.5) / len(shifts) - 0.5)
            values = np.array([np.nan if m is None else m.value for m in found])
            errors = np.nan_to_num([np.nan if m is None else m.error for m in found])
            marker, colour = MARKERS[i % len(MARKERS)], COLOURS[i % len(COLOURS)]
            axes.errorbar(values, y, xerr=errors, fmt=marker, color=colour, label=label)
            ends += [end for end in (*(values - errors), *(values + errors)) if np.isfinite(end)]
        margin = 0.06 * (max(ends) - min(ends)) or 1.0
        axes.set_xlim(min(ends) - margin, max(ends) + margin)
        axes.set_ylim(len(variations) - 0.5, -0.5)
        axes.minorticks_off()
        names = [fill(name, 24) for name in variations] if number % columns == 0 else []
        axes.set_yticks(range(len(variations)) if names else [], names)
        axes.set_xlabel(f"shift of {title}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4)
    return figure


def plot_envelope(
    signal: str, backgrounds: Sequence[str], nominal: Mapping, varied: Mapping[str, Mapping]
) -> Figure | None:
    """For each background the rejection under each variation over the nominal one, against the signal's efficiency, and
    the envelope of all; None where nothing is left to show.

    nominal: the `roc` of metrics.json; varied: the same by the variation's title. Means over the seeds; curves end
    where fewer than five background samples are kept.
    """
    shown = {}
    for background in backgrounds:
        base = _mean_rejection(nominal, background)
        ratios = {title: _mean_rejection(curve, background) / base for title, curve in varied.items()}
        if any(np.isfinite(ratio).sum() > 2 for ratio in ratios.values()):
            shown[background] = ratios
    if not shown:
        return None
    figure, panels = create_panels(len(shown), columns=2, height=3.6)
    efficiency = np.array(nominal["efficiency"])
    for axes, (background, ratios) in zip(panels, shown.items(), strict=True):
        table = np.array([*ratios.values(), np.ones(len(efficiency))])
        some = np.isfinite(table[:-1]).all(axis=0)
        low, high = table[:, some].min(axis=0), table[:, some].max(axis=0)
        axes.fill_between(efficiency[some], low, high, color=FAINT, alpha=0.3, linewidth=0, label="envelope")
        axes.axhline(1.0, color=INK, lw=1.0)
        for i, (title, ratio) in enumerate(ratios.items()):
            axes.plot(efficiency, ratio, color=COLOURS[i % len(COLOURS)], ls=LINES[i % len(LINES)], label=title)
        axes.set_xlim(efficiency.min(), 1.0)
        axes.set_xlabel(f"{signal} efficiency")
        axes.set_ylabel(f"{background} rejection / nominal")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return figure


def _mean_rejection(curve: Mapping, background: str) -> np.ndarray:
    return rejection_of(np.array(curve["backgrounds"][background]).mean(axis=0), curve["samples"][background])
