"""What a regression learned: the fit over the noise, the residuals, the deviation from the truth."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bevatron.report.plots.histogram_axes import finish_histogram
from bevatron.report.plots.style import COLOURS, FAINT, INK, WIDTH, create_panels
from bevatron.store.records.data import PointsRecord

NO_NAMES: Mapping[str, str] = {}


def plot_fits(x_title: str, target: str, curves: dict[str, dict], own: Mapping[str, str] = NO_NAMES) -> Figure:
    """A panel for each model: noisy test points, the truth, every seed's prediction and their mean.

    own: by model's title the target that it learns, where that is not `target`.
    """
    figure, panels = create_panels(len(curves))
    low, high = _range(np.concatenate([c["target"] for c in curves.values()]))
    for axes, (title, curve) in zip(panels, curves.items(), strict=True):
        x = np.array(curve["x"])
        predictions = np.array(curve["predictions"])

        axes.plot(x, curve["target"], ".", color=FAINT, ms=2.2, alpha=0.55, rasterized=True, label="test points")
        if curve["truth"] is not None:
            axes.plot(x, curve["truth"], color=INK, lw=1.2, ls="--", label="truth")
        if len(predictions) > 1:
            band = predictions.min(axis=0), predictions.max(axis=0)
            axes.fill_between(x, *band, color=COLOURS[2], alpha=0.25, linewidth=0, label="range of the seeds")
        axes.plot(x, predictions.mean(axis=0), color=COLOURS[2], label="network, mean of the seeds")
        axes.set_ylim(low, high)
        axes.set_title(title, loc="left")
        axes.set_xlabel(x_title)
        axes.set_ylabel(own.get(title, target))
    _add_legend_above(figure, panels[0])
    return figure


def plot_predictions(target: str, curves: dict[str, dict], own: Mapping[str, str] = NO_NAMES) -> Figure:
    """A panel for each model: the mean of the seeds' predictions against the target of test points; the diagonal.

    own: as of `plot_fits`.
    """
    figure, panels = create_panels(len(curves))
    for axes, (title, curve) in zip(panels, curves.items(), strict=True):
        found, predictions = np.array(curve["target"]), np.array(curve["predictions"])
        ends = _range(np.concatenate([found, predictions.mean(axis=0)]))
        axes.plot(found, predictions.mean(axis=0), ".", color=COLOURS[2], ms=3, alpha=0.6, rasterized=True)
        axes.plot(ends, ends, color=INK, lw=1, ls="--")
        axes.set_xlim(ends)
        axes.set_ylim(ends)
        axes.set_title(title, loc="left")
        axes.set_xlabel(own.get(title, target))
        axes.set_ylabel("predicted")
    return figure


def plot_residuals(curves: dict[str, dict]) -> Figure:
    """A panel for each model: residuals of the test points, beside the noise that no model can predict."""
    figure, panels = create_panels(len(curves))
    for axes, (title, curve) in zip(panels, curves.items(), strict=True):
        edges = np.array(curve["edges"])
        if curve["noise"] is not None:
            noise = np.array(curve["noise"])
            axes.stairs(noise, edges, fill=True, color=FAINT, alpha=0.35, label="noise")
        axes.stairs(np.array(curve["model"]), edges, color=COLOURS[2], lw=1.5, label="point − network")
        weighted = "errors" in curve
        if weighted:
            middle, errors = (edges[1:] + edges[:-1]) / 2, np.array(curve["errors"])
            axes.errorbar(middle, curve["model"], yerr=errors, fmt="none", ecolor=COLOURS[2], elinewidth=0.8)
        content = "sum of weights / bin" if weighted else "test points / bin"
        finish_histogram(axes, curve, title, "residual", content)
    _add_legend_above(figure, panels[0])
    return figure


def plot_deviations(x_title: str, curves: dict[str, dict]) -> Figure:
    """RMS deviation of the prediction from the truth against x; bands are the seeds' range."""
    figure, axes = plt.subplots(figsize=(WIDTH, 4.4))
    styles = ("-", "--", "-.", ":")  # lines that lie upon each other stay apart
    for i, (title, curve) in enumerate(curves.items()):
        edges = np.array(curve["edges"])
        rms = np.array([[np.nan if v is None else v for v in row] for row in curve["rms"]])
        middle, colour = (edges[1:] + edges[:-1]) / 2, COLOURS[i % len(COLOURS)]
        axes.plot(middle, rms.mean(axis=0), color=colour, ls=styles[i % 4], label=title)
        if len(rms) > 1:
            axes.fill_between(middle, rms.min(axis=0), rms.max(axis=0), color=colour, alpha=0.15, linewidth=0)
    axes.set_yscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel(x_title)
    axes.set_ylabel("RMS (network − truth)")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def plot_points(x_title: str, target: str, points: PointsRecord) -> Figure:
    """The test split: a panel for each target, its points over the truth."""
    truths = {name: truth_of(name, points) for name in points.targets}
    names = [name for name in points.targets if name not in truths.values()]
    figure, panels = create_panels(len(names))
    x = np.array(points.x)
    order = np.argsort(x)
    low, high = _range(np.concatenate([points.targets[name] for name in names]))
    for axes, name in zip(panels, names, strict=True):
        axes.plot(x, points.targets[name], ".", color=COLOURS[0], ms=2, alpha=0.4, rasterized=True)
        if (truth := truths[name]) is not None:
            axes.plot(x[order], np.array(points.targets[truth])[order], color=INK, lw=1.3, label="truth")
            axes.legend(loc="upper center")
        axes.set_ylim(low, high)
        axes.set_xlabel(x_title)
        axes.set_ylabel(name)
    return figure


def truth_of(name: str, points: PointsRecord) -> str | None:
    """The name of the truth of a number of the points: of "target: part" the same part of the truth."""
    if points.truth is None or points.truth in points.targets:
        return points.truth
    truth = f"{points.truth}: {name.removeprefix(f'{points.target}: ')}"
    return truth if truth in points.targets else None


def _range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _add_legend_above(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4)
