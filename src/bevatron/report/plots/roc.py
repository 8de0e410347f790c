"""Background rejection against signal efficiency."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, FAINT, create_panels

LINES = ("-", "--", "-.", ":")
MIN_SAMPLES, MIN_POINTS = 5, 3  # background samples that a point must keep; points of a line that is worth a panel


def plot_roc(
    signal: str,
    backgrounds: list[str],
    curves: dict[str, dict],
    cuts: Mapping[str, Mapping[str, Sequence[float]]],
    efficiencies: list[float],
) -> Figure | None:
    """One panel for each background; a line for each model with a band of its seeds' range; grey lines for
    cuts. Backgrounds of which too few samples are kept anywhere are left out; None where all are.

    curves: by model's title the `roc` of metrics.json; cuts: by observable's title the background kept on
    the same grid. Curves end where fewer than five background samples are left.
    """
    first = next(iter(curves.values()))
    backgrounds = [
        name for name in backgrounds if any(_count_points(curve, name) >= MIN_POINTS for curve in curves.values())
    ]
    if not backgrounds:
        return None
    figure, panels = create_panels(len(backgrounds), columns=2, height=4.4)
    for axes, background in zip(panels, backgrounds, strict=True):
        highest = 2.0
        for i, (title, curve) in enumerate(curves.items()):
            efficiency = np.array(curve["efficiency"])
            fractions = np.array(curve["backgrounds"][background])
            rejection = rejection_of(fractions.mean(axis=0), curve["samples"][background])
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(efficiency, rejection, color=colour, label=title)
            if len(fractions) > 1:
                lower = rejection_of(fractions.max(axis=0), curve["samples"][background])
                upper = rejection_of(fractions.min(axis=0), curve["samples"][background])
                axes.fill_between(efficiency, lower, upper, color=colour, alpha=0.25, linewidth=0)
            highest = np.nanmax([highest, *rejection])
        for i, (title, cut) in enumerate(cuts.items()):
            rejection = rejection_of(np.array(cut[background]), first["samples"][background])
            style = LINES[1 + i % 3]
            axes.plot(first["efficiency"], rejection, color=FAINT, ls=style, lw=1.2, label=f"cut on {title}")
            highest = np.nanmax([highest, *rejection])
        for efficiency in efficiencies:
            axes.axvline(efficiency, color=FAINT, lw=0.5, alpha=0.6, zorder=0)
        axes.set_yscale("log")
        axes.set_ylim(0.9, highest * 1.6)
        axes.set_xlim(min(first["efficiency"]), 1.0)
        axes.set_xlabel(f"{signal} efficiency")
        axes.set_ylabel(f"{background} rejection")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def _count_points(curve: dict, background: str) -> int:
    fraction = np.array(curve["backgrounds"][background]).mean(axis=0)
    return int(np.isfinite(rejection_of(fraction, curve["samples"][background])).sum())


def rejection_of(fraction: np.ndarray, samples: int) -> np.ndarray:
    """1 / fraction of the background that is kept; NaN where that is fewer than five of its samples."""
    too_few = fraction * samples < MIN_SAMPLES
    return np.where(too_few, np.nan, 1.0 / np.where(too_few, 1.0, fraction))
