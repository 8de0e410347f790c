"""Background rejection against signal efficiency."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, FAINT, grid

LINES = ("-", "--", "-.", ":")
FEWEST, LEAST = 5, 3  # background samples that a point must keep; points of a line that is worth a panel


def roc(
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
    backgrounds = [name for name in backgrounds if any(_points(curve, name) >= LEAST for curve in curves.values())]
    if not backgrounds:
        return None
    figure, panels = grid(len(backgrounds), columns=2, height=4.4)
    for axes, background in zip(panels, backgrounds, strict=True):
        highest = 2.0
        for i, (title, curve) in enumerate(curves.items()):
            efficiency = np.array(curve["efficiency"])
            kept = np.array(curve["backgrounds"][background])
            rejection = _rejection(kept.mean(axis=0), curve["samples"][background])
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(efficiency, rejection, color=colour, label=title)
            if len(kept) > 1:
                least = _rejection(kept.max(axis=0), curve["samples"][background])
                most = _rejection(kept.min(axis=0), curve["samples"][background])
                axes.fill_between(efficiency, least, most, color=colour, alpha=0.25, linewidth=0)
            highest = np.nanmax([highest, *rejection])
        for i, (title, cut) in enumerate(cuts.items()):
            rejection = _rejection(np.array(cut[background]), first["samples"][background])
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


def _points(curve: dict, background: str) -> int:
    kept = np.array(curve["backgrounds"][background]).mean(axis=0)
    return int(np.isfinite(_rejection(kept, curve["samples"][background])).sum())


def _rejection(kept: np.ndarray, samples: int) -> np.ndarray:
    few = kept * samples < FEWEST
    return np.where(few, np.nan, 1.0 / np.where(few, 1.0, kept))
