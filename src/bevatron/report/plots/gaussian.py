"""What a predicted Gaussian is worth: pulls, and predicted widths beside the spread that is found."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from bevatron.report.plots.histogram_axes import finish_histogram
from bevatron.report.plots.style import COLOURS, FAINT, INK, create_panels


def plot_pulls(curves: dict[str, dict]) -> Figure:
    """A panel for each model: the density of its pulls, and that of the standard normal distribution, dashed."""
    figure, panels = create_panels(len(curves))
    for axes, (title, curve) in zip(panels, curves.items(), strict=True):
        edges = np.array(curve["edges"])
        fine = np.linspace(edges[0], edges[-1], 301)
        axes.stairs(np.array(curve["density"]), edges, color=COLOURS[2], lw=1.5, label="pulls")
        normal = np.exp(-0.5 * fine**2) / math.sqrt(2 * math.pi)
        axes.plot(fine, normal, color=INK, lw=1, ls="--", label="standard normal")
        finish_histogram(axes, curve, title, "pull", "density")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def plot_widths(curves: dict[str, dict]) -> Figure:
    """A panel for each model: the spread found in each bin of the predicted width with its interval; the diagonal."""
    figure, panels = create_panels(len(curves))
    for axes, (title, curve) in zip(panels, curves.items(), strict=True):
        predicted, found, low, high = (np.array(curve[key], float) for key in ("predicted", "found", "low", "high"))
        errors = np.maximum([found - low, high - found], 0.0)
        axes.errorbar(predicted, found, yerr=np.nan_to_num(errors), fmt="o", color=COLOURS[2], elinewidth=1)
        values = np.concatenate([predicted, found])
        least, most = float(np.nanmin(values)), float(np.nanmax(values))
        margin = 0.06 * (most - least) or 0.06 * abs(most) or 1.0
        ends = least - margin, most + margin
        if least > 0 and most > 10 * least:
            axes.set_xscale("log")
            axes.set_yscale("log")
            for axis in (axes.xaxis, axes.yaxis):  # little more than one power of ten would have one number
                axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ends = least / 1.3, most * 1.3
        axes.plot(ends, ends, color=FAINT, lw=1, ls="--")
        axes.set_xlim(ends)
        axes.set_title(title, loc="left")
        axes.set_xlabel("predicted width")
        axes.set_ylabel("spread found")
    return figure
