"""Plots of a convolutional network's filters, and of what its layers make of an image."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.style import WIDTH

COLUMNS = 8
ROW, TEXT = 1.15, 1.6  # height of a layer's row [inches]; width of its name, in maps


def plot_filters(record: dict[str, Any]) -> Figure:
    """The first convolution's kernels on one scale, red negative and blue positive."""
    filters = record["filters"]
    rows = -(-len(filters) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(WIDTH * 0.8, 1.25 * rows), squeeze=False)
    largest = max(float(np.abs(f).max()) for f in filters) or 1.0
    for panel, kernel in zip(axes.flat, filters, strict=False):
        image = panel.imshow(kernel, cmap="RdBu", vmin=-largest, vmax=largest, interpolation="nearest")
    _remove_ticks(axes)
    figure.colorbar(image, ax=list(axes.flat), label="weight")
    return figure


def plot_feature_maps(record: dict[str, Any]) -> Figure:
    """The image, and below it a row for each layer: its name, and its first channels, all on one scale."""
    layers = record["layers"]
    rows = [("image", 1, [record["image"]]), *((layer["name"], layer["channels"], layer["maps"]) for layer in layers)]
    figure, axes = plt.subplots(
        len(rows),
        COLUMNS + 1,
        figsize=(WIDTH, ROW * len(rows)),
        width_ratios=[TEXT, *[1] * COLUMNS],
        squeeze=False,
    )
    for (text, *panels), (name, channels, maps) in zip(axes, rows, strict=True):
        height, width = np.shape(maps[0])
        size = f"{height} × {width}" if name == "image" else f"{channels} × {height} × {width}"
        text.text(0.0, 0.5, f"{name.replace(' behind ', chr(10) + 'behind ')}\n{size}", va="center", fontsize=9.5)
        low, high = np.min(maps), np.max(maps)
        for panel, plane in zip(panels, maps, strict=False):
            colours = "gray_r" if name == "image" else "viridis"
            panel.imshow(plane, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    _remove_ticks(axes)
    return figure


def _remove_ticks(axes: np.ndarray) -> None:
    for panel in axes.flat:
        panel.set_xticks([])
        panel.set_yticks([])
        if not panel.images:
            panel.set_axis_off()
