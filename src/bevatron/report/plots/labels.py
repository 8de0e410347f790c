"""What networks say of labels that do not exclude one another: ROC curves, scores and calibration of each."""

import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.calibration import plot_calibration
from bevatron.report.plots.style import COLOURS, FAINT, create_panels


def plot_label_roc(labels: list[str], curves: dict[str, dict]) -> Figure | None:
    """A panel for each label: samples with it that are kept against samples without it that are kept, a line for each
    model with a band of its seeds' range. Labels that all samples have, or none, are left out; None where all are.

    curves: by model's title the `roc` of metrics.json.
    """
    shown = [name for name in labels if any(name in curve["labels"] for curve in curves.values())]
    if not shown:
        return None
    figure, panels = create_panels(len(shown), height=3.4)
    for axes, label in zip(panels, shown, strict=True):
        axes.plot([0, 1], [0, 1], color=FAINT, lw=1, ls="--")
        for i, (title, curve) in enumerate(curves.items()):
            if label not in curve["labels"]:
                continue
            efficiency, colour = np.array(curve["efficiency"]), COLOURS[i % len(COLOURS)]
            kept = np.array(curve["labels"][label], float)
            axes.plot(kept.mean(axis=0), efficiency, color=colour, label=title)
            if len(kept) > 1:
                axes.fill_betweenx(
                    efficiency, kept.min(axis=0), kept.max(axis=0), color=colour, alpha=0.25, linewidth=0
                )
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_title(label, loc="left")
        axes.set_xlabel("fraction kept without the label")
        axes.set_ylabel("fraction kept with it")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=4)
    return figure


def plot_label_scores(labels: list[str], curves: dict) -> Figure:
    """A panel for each label: its probability for samples with and without it, the threshold as an upright line; then
    one of the reliability of all labels' probabilities.
    """
    figure, panels = create_panels(len(labels) + 1, height=3.1)
    edges = np.array(curves["score"]["edges"])
    for axes, label in zip(panels, labels, strict=False):
        for word, colour in (("without", COLOURS[0]), ("with", COLOURS[2])):
            fraction = np.array(curves["score"]["labels"][label][word], float)
            axes.stairs(np.nan_to_num(fraction), edges, color=colour, lw=1.5, label=f"{word} the label")
        axes.axvline(curves["thresholds"][label], color=FAINT, lw=1, ls="--")
        axes.set_yscale("symlog", linthresh=1e-3)
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        axes.set_title(label, loc="left")
        axes.set_xlabel("probability")
        axes.set_ylabel("fraction / bin")
    plot_calibration(labels, curves["calibration"], panels[-1])
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=2)
    return figure
