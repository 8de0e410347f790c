"""Plots of a convolutional network's filters, and of what its layers make of an image."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from bevatron.report.plots.style import WIDTH

COLUMNS = 8


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
    """A row for each layer: the image first, then the channels behind the layer, each on its own scale."""
    layers = record["layers"]
    figure, axes = plt.subplots(len(layers), COLUMNS + 1, figsize=(WIDTH, 1.45 * len(layers)), squeeze=False)
    for row, layer in zip(axes, layers, strict=True):
        row[0].imshow(record["image"], cmap="gray_r", interpolation="nearest")
        for panel, plane in zip(row[1:], layer["maps"], strict=False):
            panel.imshow(plane, cmap="viridis", interpolation="nearest")
        height, width = np.shape(layer["maps"][0])
        row[0].set_title(f"{layer['name']}, {height} × {width}", loc="left", fontsize=9.5)
    _remove_ticks(axes)
    return figure


def _remove_ticks(axes: np.ndarray) -> None:
    for panel in axes.flat:
        panel.set_xticks([])
        panel.set_yticks([])
        if not panel.images:
            panel.set_axis_off()
