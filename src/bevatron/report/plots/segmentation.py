"""What a segmentation takes each pixel for: numbers by class, and images beside the truth."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bevatron.report.plots.images import Sides
from bevatron.report.plots.style import COLOURS, FAINT, WIDTH, create_panels
from bevatron.report.results.measured import Measured

PIXEL_CLASSES = (*COLOURS[:4], "#222222", *COLOURS[5:])  # the fifth is lost beside unlabelled pixels
MARGIN, SMALLEST = 6, 48  # pixels around what is shown, and of the shorter side of a cut-out at least
BARS = (("iou", "IoU"), ("recall", "efficiency (recall)"), ("precision", "purity (precision)"))


def class_colour(k: int) -> str:
    """The colour of a class in all images."""
    return PIXEL_CLASSES[k % len(PIXEL_CLASSES)]


def plot_by_class(classes: list[str], models: dict[str, dict[str, Measured]]) -> Figure:
    """A panel each for intersection over union, efficiency and purity: a point for each class and model, with its
    error.

    models: by title the measurements by the metric's name.
    """
    figure, panels = create_panels(len(BARS), height=3.4)
    step = 0.8 / max(1, len(models))
    for axes, (metric, title) in zip(panels, BARS, strict=True):
        for i, (label, measured) in enumerate(models.items()):
            found = [measured.get(f"{metric}.{name}") for name in classes]
            shown = [(k, m) for k, m in enumerate(found) if m is not None and np.isfinite(m.value)]
            x = np.array([k for k, _ in shown]) + (i + 0.5) * step - 0.4
            y, error = [m.value for _, m in shown], [np.nan_to_num(m.error) for _, m in shown]
            axes.errorbar(x, y, error, fmt="o", color=COLOURS[i % len(COLOURS)], label=label)
        axes.set_xticks(range(len(classes)), classes)
        axes.tick_params(axis="x", which="minor", length=0)
        axes.set_xlim(-0.5, len(classes) - 0.5)
        axes.set_ylim(0, 1.05)
        axes.set_ylabel(title)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=max(1, len(labels)))
    return figure


def plot_segmented(classes: list[str], examples: list[dict[str, Any]], sides: Sides) -> Figure:
    """A row for each image: the truth, and beside it what the network says, cut out around the charged pixels.

    examples: those of a model's curves.
    """
    figure, panels = plt.subplots(len(examples), 2, figsize=(WIDTH, 4.2 * len(examples)), squeeze=False)
    for row, example in zip(panels, examples, strict=True):
        for axes, key in zip(row, ("true", "predicted"), strict=True):
            _draw(axes, example, np.array(example[key]), len(classes), sides)
            axes.set_title("truth" if key == "true" else "predicted", loc="left")
    handles = [Patch(color=class_colour(k), label=name) for k, name in enumerate(classes)]
    handles.append(Patch(color=FAINT, label="no class (noise)"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _draw(axes: Axes, example: dict[str, Any], numbers: np.ndarray, n_classes: int, sides: Sides) -> None:
    height, width = example["shape"]
    image = np.full(height * width, np.nan)
    index = np.array(example["index"], np.int64)
    image[index] = numbers
    colours = ListedColormap([FAINT, *(class_colour(k) for k in range(n_classes))]).with_extremes(bad="white")
    axes.imshow(
        image.reshape(height, width),
        cmap=colours,
        norm=BoundaryNorm(np.arange(-1.5, n_classes), n_classes + 1),
        origin="lower" if sides.upwards else "upper",
        extent=(0, width, 0, height) if sides.upwards else (0, width, height, 0),
        interpolation="nearest",
        aspect="auto",
    )
    row, column = np.divmod(index, width)
    axes.set_xlim(*_window(column, width))
    low, high = _window(row, height)
    axes.set_ylim(*((low, high) if sides.upwards else (high, low)))
    axes.set_xlabel(sides.x)
    axes.set_ylabel(sides.y)


def _window(places: np.ndarray, side: int) -> tuple[int, int]:
    """The part of a side that holds the pixels, with a margin."""
    if not len(places):
        return 0, side
    low, high = int(places.min()) - MARGIN, int(places.max()) + 1 + MARGIN
    more = max(0, SMALLEST - (high - low))
    return max(0, low - more // 2), min(side, high + more - more // 2)
