"""Plots of adversarial examples: errors against the size of the change, and single images that fool a network."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, WIDTH, create_panels

GREY = "gray_r"
KINDS = {"fgsm": ("FGSM", "o-"), "pgd": ("PGD", "s--"), "random": ("random signs", "^:")}


def plot_attack_errors(models: dict[str, dict[str, Any]]) -> Figure:
    """A panel for each kind of attack: the fraction of errors against ε, one line for each model by its title."""
    figure, panels = create_panels(len(KINDS), height=4.2)
    for panel, (kind, (title, _)) in zip(panels, KINDS.items(), strict=True):
        for k, (model, curves) in enumerate(models.items()):
            x = [0.0, *curves["epsilon"]]
            y = np.array([curves["clean"], *curves[kind]["value"]], float)
            error = np.array([0.0, *curves[kind]["error"]], float)
            style = "-" if k < len(COLOURS) else "--"
            panel.errorbar(x, y, error, fmt=f"o{style}", color=COLOURS[k % len(COLOURS)], label=model, markersize=3)
        panel.set_ylim(0.0, 1.0)
        panel.set_xlabel("largest change ε of a pixel")
        panel.set_title(title, loc="left")
    panels[0].set_ylabel("fraction of errors")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def plot_attack_example(example: dict[str, Any], classes: list[str]) -> Figure:
    """An image, the sign of the gradient at each pixel, and the image that the network mistakes."""
    figure, panels = plt.subplots(1, 3, figsize=(WIDTH * 0.75, 3.2))
    before, after = example["before"], example["after"]
    _draw_image(panels[0], before["image"], 0.0, 1.0)
    panels[0].set_title(f"x: {classes[before['class']]}, {before['confidence']:.0%}", loc="left")
    _draw_image(panels[1], example["sign"], -1.0, 1.0)
    panels[1].set_title(f"+ {example['epsilon']:g} · sign of the gradient", loc="left")
    _draw_image(panels[2], after["image"], 0.0, 1.0)
    panels[2].set_title(f"= {classes[after['class']]}, {after['confidence']:.0%}", loc="left")
    return figure


def plot_least_change(example: dict[str, Any], classes: list[str]) -> Figure:
    """An image, the smallest change that was found, with its scale, and the image that the network mistakes."""
    figure, panels = plt.subplots(1, 3, figsize=(WIDTH * 0.8, 3.0))
    before, after, change = example["before"], example["after"], np.asarray(example["change"], float)
    largest = max(float(np.abs(change).max()), 0.001)
    _draw_image(panels[0], before["image"], 0.0, 1.0)
    panels[0].set_title(f"x: {classes[before['class']]}, {before['confidence']:.0%}", loc="left")
    artist = panels[1].imshow(change.mean(0), cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    panels[1].set_xticks([])
    panels[1].set_yticks([])
    panels[1].set_title("+ r, the change", loc="left")
    _draw_image(panels[2], after["image"], 0.0, 1.0)
    panels[2].set_title(f"= {classes[after['class']]}, {after['confidence']:.0%}", loc="left")
    figure.colorbar(artist, ax=list(panels), label="r: change of the grey value", fraction=0.03)
    return figure


def _draw_image(axes: Axes, image: list, low: float, high: float) -> None:
    """(channels, height, width), of one channel grey, of three in their colours (the sign as its mean)."""
    values = np.asarray(image, float)
    if len(values) == 3 and low == 0.0:
        axes.imshow(np.moveaxis(values, 0, -1), interpolation="nearest")
    else:
        axes.imshow(values.mean(0), cmap=GREY, vmin=low, vmax=high, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
