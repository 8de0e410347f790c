"""Plots of filters, and of their responses to lines and edges against the orientation."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, WIDTH

COLUMNS = 4  # filters beside each other
MOST = 16  # filters drawn


def plot_filter_tuning(record: dict[str, Any]) -> Figure:
    """Beside each filter (red negative, blue positive) its responses as trained (full) and as drawn (dashed)."""
    filters = record["filters"][:MOST]
    rows = -(-len(filters) // COLUMNS)
    figure, axes = plt.subplots(
        rows, 2 * COLUMNS, figsize=(WIDTH, 1.5 * rows + 0.6), width_ratios=[0.8, 1.6] * COLUMNS, squeeze=False
    )
    largest = max(float(np.abs(f).max()) for f in filters) or 1.0
    highest = max(np.max(record[kind][when]) for kind in ("lines", "edges") for when in ("initial", "trained")) or 1.0
    for k, (image, curve) in enumerate(axes.reshape(-1, 2)):
        if k >= len(filters):
            image.set_axis_off()
            curve.set_axis_off()
            continue
        image.imshow(filters[k], cmap="RdBu", vmin=-largest, vmax=largest, interpolation="nearest")
        image.set_xticks([])
        image.set_yticks([])
        for colour, kind, word in zip(COLOURS, ("lines", "edges"), ("line", "edge"), strict=False):
            for style, when in (("-", "trained"), ("--", "initial")):
                label = f"{word}, {'trained' if when == 'trained' else 'untrained'}"
                curve.plot(record["angles"], record[kind][when][k], style, color=colour, label=label, lw=1.2)
        curve.set_ylim(0, 1.08 * highest)
        curve.set_xlim(0, 180)
        curve.set_xticks([0, 90, 180])
        curve.tick_params(labelbottom=k + COLUMNS >= len(filters), labelleft=k % COLUMNS == 0)
    axes.reshape(-1, 2)[len(filters) - 1, 1].set_xlabel("orientation [°]")
    axes[0, 1].set_ylabel("response")
    figure.legend(*axes[0, 1].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure
