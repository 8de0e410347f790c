"""On which features a model relies: permutation importance, and integrated gradients beside it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from bevatron.report.plots.style import COLOURS, FAINT, WIDTH, create_panels

MOST = 20  # features of a figure
ROW, MARGINS = 0.2, 1.1  # inches of a feature, and of all that is around them


def plot_importance(importance: dict[str, Any], attributions: dict[str, Any] | None) -> Figure:
    """The features with the largest importance from above: left how much worse the metric gets when they are permuted,
    mean over repeats and seeds with its error; right their mean absolute attribution with its error. Small
    rings: single seeds.

    importance, attributions: as in metrics.json.
    """
    several = len({f["group"] for f in importance["features"]}) > 1
    worse = np.array([np.array(f["worse"], float) for f in importance["features"]])
    order = np.argsort(-np.nan_to_num(worse.mean(axis=(1, 2)), nan=-np.inf), kind="stable")[:MOST]
    names = [_name(importance["features"][k], several) for k in order]
    of_seeds = worse[order].mean(axis=2)
    errors = np.array([importance["features"][k]["error"] for k in order], float)
    figure, panels = create_panels(1 if attributions is None else 2, height=MARGINS + ROW * len(order))
    if attributions is None:
        figure.set_figwidth(0.6 * WIDTH)
    _draw(panels[0], names, of_seeds.mean(axis=1), errors, of_seeds, 0)
    panels[0].set_xlabel(importance["metric"])
    if attributions is not None:
        by_name = {(f["group"], f["feature"]): f for f in attributions["features"]}
        found = [by_name[f["group"], f["feature"]] for f in (importance["features"][k] for k in order)]
        value, error = (np.array([f[key] for f in found], float) for key in ("value", "error"))
        _draw(panels[1], names, value, error, np.array([f["per_seed"] for f in found], float), 2)
        panels[1].set_xlabel(f"mean |attribution| to the {attributions['of']}")
    return figure


def _draw(
    axes: Axes, names: list[str], value: np.ndarray, error: np.ndarray, of_seeds: np.ndarray, colour: int
) -> None:
    """Features from above to below; of_seeds (n_features, n_seeds)."""
    rows = np.arange(len(names))
    axes.axvline(0, color=FAINT, lw=0.8, zorder=0)
    axes.hlines(rows, 0, np.nan_to_num(value), color=COLOURS[colour], lw=4, alpha=0.35)
    axes.errorbar(
        value, rows, xerr=np.nan_to_num(error), fmt="o", color=COLOURS[colour], elinewidth=1.2, ms=4, label="mean"
    )
    if of_seeds.shape[1] > 1:
        for seed in of_seeds.T:
            axes.plot(seed, rows, ls="none", marker="o", mfc="none", mec=COLOURS[colour], ms=3, alpha=0.6)
    drawn = np.concatenate([[0.0], value - error, value + error, of_seeds.ravel()])
    lowest, highest = np.nanmin(drawn), np.nanmax(drawn)
    room = 0.04 * (highest - lowest) or 1.0
    axes.set_xlim(lowest - room * (lowest < 0), highest + room)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.yaxis.set_major_locator(FixedLocator(rows.tolist()))
    axes.yaxis.set_major_formatter(FixedFormatter(names))
    axes.tick_params(axis="y", which="both", length=0)
    axes.minorticks_off()


def _name(feature: dict[str, Any], with_group: bool) -> str:
    return f"{feature['group']}: {feature['feature']}" if with_group else str(feature["feature"])
