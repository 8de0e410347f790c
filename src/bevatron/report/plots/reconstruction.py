"""Plots of networks that give images back without their noise."""

from textwrap import fill
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.montage import draw_montage
from bevatron.report.plots.style import COLOURS, FAINT, WIDTH, create_panels

MARKERS = "osD^vPX"
Point = tuple[int, float, float]  # latent dimensions, value, error


def plot_reconstructions(models: dict[str, dict[str, Any]], unit: str) -> Figure:
    """Columns: samples. Rows: what the networks get, the truth, and what each gives back, on one scale."""
    first = next(iter(models.values()))
    rows = {"noisy input": first["noisy"], "truth": first["clean"]}
    rows |= {fill(title, 20): curves["output"] for title, curves in models.items()}
    columns, high = len(first["clean"]), max(float(np.max(p)) for p in first["clean"])
    figure, axes = plt.subplots(figsize=(WIDTH * 0.16 * columns + 2.6, 1.55 * len(rows)))
    image_artist = draw_montage(axes, rows, "cividis", -0.1 * high, high)
    figure.colorbar(image_artist, ax=axes, label="flux" + (f" [{unit}]" if unit else ""), extend="both", shrink=0.6)
    return figure


def plot_quality(panels: dict[str, dict[str, list[Point]]], levels: dict[str, dict[str, float]], label: str) -> Figure:
    """A panel for each target: a metric against the number of latent dimensions, a line for each architecture.

    level: by target, horizontal lines of models that have no latent dimensions.
    """
    figure, axes = create_panels(len(panels), columns=2, height=4.0)
    for panel, (target, lines) in zip(axes, panels.items(), strict=True):
        for k, (title, points) in enumerate(lines.items()):
            latent, value, error = np.array(sorted(points), float).T
            panel.errorbar(
                latent,
                value,
                error,
                fmt=MARKERS[k % len(MARKERS)] + ("-" if len(points) > 1 else ""),
                color=COLOURS[k % len(COLOURS)],
                mfc="none",  # points of one dimension lie over each other
                label=title,
            )
        for title, value in levels.get(target, {}).items():
            panel.axhline(value, color=FAINT, linestyle="--", label=title)
        panel.set_xscale("log")
        panel.set_xlabel("latent dimensions")
        panel.set_ylabel(label)
        panel.set_title(target, loc="left")
        panel.margins(x=0.08)
        n_entries = len(lines) + len(levels.get(target, {}))
        low, high = panel.get_ylim()
        panel.set_ylim(low, low + (high - low) / (1.0 - min(0.07 * n_entries, 0.6)))  # room for the legend
        panel.legend(loc="upper left")
    return figure
