"""Plots of networks that make images."""

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bevatron.report.plots.montage import draw_montage
from bevatron.report.plots.style import COLOURS, FAINT, WIDTH, create_panels


def plot_quality_history(models: dict[str, list[dict[str, Any]]], of_data: float) -> Figure:
    """Fréchet distance, and the objective V, at the remembered moments: a line for each seed, of the model's colour."""
    figure, (left, right) = create_panels(2, columns=2, height=4.0)
    for k, (title, seeds) in enumerate(models.items()):
        for n, seed in enumerate(seeds):
            style = {"color": COLOURS[k % len(COLOURS)], "label": None if n else title, "marker": "o"}
            left.plot(seed["epoch"], seed["frechet"], **style)
            right.plot(seed["epoch"], seed["objective"], **style)
    left.axhline(of_data, color=FAINT, linestyle="--", label="training images")
    right.axhline(-2 * math.log(2), color=FAINT, linestyle="--", label="saddle point, -2 ln 2")
    left.set_yscale("log")
    left.set_ylabel("Fréchet distance to the test split")
    right.set_ylabel("V = E ln D(x) + E ln(1 - D(G(z)))")
    for panel in (left, right):
        panel.set_xlabel("epoch")
        panel.legend()
    return figure


def plot_sample_history(epochs: list[int], samples: list[list], neighbours: list) -> Figure:
    """A row for each moment, the same noise in each column; below, the nearest training images of the last row."""
    rows = {f"epoch {epoch}": images for epoch, images in zip(epochs, samples, strict=True)}
    rows["nearest training\nimage"] = neighbours
    figure, axes = plt.subplots(figsize=(WIDTH, 1.0 * len(rows)))
    draw_montage(axes, rows, "gray_r", 0.0, max(float(np.max(p)) for p in neighbours))
    return figure


def plot_quiz(real: list, generated: list) -> Figure:
    """Real and generated images in an order that nothing tells, numbered."""
    order = _shuffle(real, generated)
    images = [*real, *generated]
    figure, axes = plt.subplots(2, -(-len(order) // 2), figsize=(WIDTH, 2.7), squeeze=False)
    high = max(float(np.max(p)) for p in real)
    for number, (panel, k) in enumerate(zip(axes.flat, order, strict=False), 1):
        _draw_image(panel, images[k], high)
        panel.set_title(str(number), fontsize=9.5)
    return figure


def generated_numbers(real: list, generated: list) -> list[int]:
    """The numbers under which `spot` shows the generated images."""
    return [number for number, k in enumerate(_shuffle(real, generated), 1) if k >= len(real)]


def _shuffle(real: list, generated: list) -> np.ndarray:
    return np.random.default_rng(1).permutation(len(real) + len(generated))


def _draw_image(panel: Axes, image: list, high: float) -> None:
    panel.imshow(image, cmap="gray_r", vmin=0.0, vmax=high, interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([])
