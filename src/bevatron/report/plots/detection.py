"""What detectors find: precision against recall, and boxes on images."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from bevatron.report.plots.images import Sides, add_colour_bar, draw_channel, scale_of
from bevatron.report.plots.style import COLOURS as LINES
from bevatron.report.plots.style import INK, create_panels
from bevatron.store.records.data import ImagesRecord

BOXES = ("#bd1f01", "#832db6", "#e76300", "#a96b59", "#222222", "#717581")  # seen on white and on the images' colours


def plot_precision_recall(classes: list[str], models: dict[str, dict[str, Any]]) -> Figure:
    """A panel for each class; a line for each model, the mean of its seeds, with a band of their range.

    models: by title the `precision` of metrics.json.
    """
    figure, panels = create_panels(len(classes), height=3.6)
    recall = np.linspace(0, 1, 101)
    for axes, name in zip(panels, classes, strict=True):
        for i, (title, curve) in enumerate(models.items()):
            seeds = np.array(curve["classes"][name])
            colour = LINES[i % len(LINES)]
            axes.plot(recall, seeds.mean(0), color=colour, label=title)
            if len(seeds) > 1:
                axes.fill_between(recall, seeds.min(0), seeds.max(0), color=colour, alpha=0.25, linewidth=0)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.05)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")
        axes.set_title(f"{name} ({curve['boxes'][name]:,})", loc="left")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return figure


def plot_boxes(
    classes: list[str], group: ImagesRecord, channel: int, examples: list[dict[str, Any]], sides: Sides
) -> Figure:
    """A panel for each example: the image, true boxes (full) and found ones (dashed, with their scores), a colour for
    each class.

    group: an entry of `examples` in data.json; examples: that of a model's curves; both name their images by id.
    """
    images = {image.id: image for image in group.images}
    selected = [example for example in examples if example["id"] in images]
    figure, panels = create_panels(len(selected), height=3.6, shared_colour_bar=True)
    scale = scale_of(group)
    height, width = (side * group.rebin for side in group.shape)
    for axes, example in zip(panels, selected, strict=True):
        image = draw_channel(axes, group, images[example["id"]], channel, scale, sides)
        for *box, label in example["true"]:
            _draw_box(axes, box, width, height, BOXES[int(label) % len(BOXES)], "-")
        for *box, score, label in example["found"]:
            x, y = _draw_box(axes, box, width, height, BOXES[int(label) % len(BOXES)], "--")
            colour = BOXES[int(label) % len(BOXES)]
            axes.text(x, y, f"{score:.2f}", color=colour, fontsize=8.5, ha="left", va="bottom", clip_on=True)
    add_colour_bar(figure, panels, image, group)
    handles = [Line2D([], [], color=BOXES[k % len(BOXES)], label=name) for k, name in enumerate(classes)]
    handles += [Line2D([], [], color=INK, ls=style, label=word) for style, word in (("-", "true"), ("--", "found"))]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _draw_box(axes: Axes, box: list[float], width: int, height: int, colour: str, style: str) -> tuple[float, float]:
    """Draws a box given in fractions of the image; returns the corner that is the upper left one in the image."""
    x1, y1, x2, y2 = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, ls=style, lw=1.3))
    low, high = axes.get_ylim()
    return x1, (y2 if high > low else y1)
