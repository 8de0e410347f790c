"""Images of the test split, as the networks read them."""

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from bevatron.report.plots.style import WIDTH, create_panels
from bevatron.store.records.data import ImageRecord, ImagesRecord, PixelsRecord

SMALL, IN_A_ROW = 32, 10  # pixels a side up to which an image is small; such images beside each other
RED_GREEN_BLUE = ("red", "green", "blue")
BRIGHTEST = 0.99  # quantile of the pixels that hold something at which the colours end
COLOURS = ListedColormap(plt.get_cmap("viridis_r")(np.linspace(0.2, 1, 256))).with_extremes(bad="white")
"""From green, as the yellow of faint pixels would be lost on white paper."""


class Sides(NamedTuple):
    """What the sides of an image are called, and whether rows count upwards."""

    x: str = "column [pixel]"
    y: str = "row [pixel]"
    upwards: bool = False


def sides_of(recipe: str) -> Sides:
    """Images of a time projection chamber have wires across and time upwards."""
    return Sides("wire [pixel]", "time tick [pixel]", True) if recipe == "lartpc" else Sides()


def plot_examples(group: ImagesRecord, sides: Sides) -> Figure:
    """A panel for each image of one channel, or a row for each image of several; colours from 0 to the 99 % quantile of
    all pixels that hold something. Small images of one channel are grey, those of red, green and blue in their colours,
    and stand in rows.

    group: an entry of `examples` in data.json.
    """
    images, features = group.images, group.features
    if (len(features) == 1 or features == RED_GREEN_BLUE) and max(group.shape) <= SMALL:
        return _plot_small_images(group)
    if len(features) == 1:
        figure, panels = create_panels(len(images), height=3.5, shared_colour_bar=True)
    else:
        rows, columns = len(images), len(features)
        figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, 3.5 * rows), squeeze=False)
        panels = list(axes.flat)
    scale, numbered = scale_of(group), iter(panels)
    for image in images:
        for k, feature in enumerate(features):
            axes = next(numbered)
            image_artist = draw_channel(axes, group, image, k, scale, sides)
            titles = [title for title in (image.label, feature if len(features) > 1 else None) if title]
            axes.set_title(", ".join(titles), loc="left")
    add_colour_bar(figure, panels, image_artist, group)
    return figure


def _plot_small_images(group: ImagesRecord) -> Figure:
    columns = min(len(group.images), IN_A_ROW)
    rows = -(-len(group.images) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(WIDTH, 1.45 * rows), squeeze=False)
    scale = scale_of(group)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, image in zip(panels.flat, group.images, strict=False):
        axes.set_axis_on()
        axes.set(xticks=[], yticks=[], facecolor="white")
        dense = np.stack([np.nan_to_num(pixels(channel, group.shape)) for channel in image.channels], axis=2)
        if dense.shape[2] == 1:
            axes.imshow(dense[:, :, 0], cmap="gray_r", norm=scale, interpolation="nearest")
        else:
            axes.imshow(np.clip(dense, 0.0, 1.0), interpolation="nearest")
        axes.set_title((image.label or "").replace("_", "\n"), loc="center", fontsize=10)
    return figure


def scale_of(group: ImagesRecord) -> Normalize:
    """One scale of colours for all images of a group."""
    values = np.concatenate([np.asarray(c.value, float) for image in group.images for c in image.channels])
    if not len(values):
        return Normalize(0.0, 1.0)
    low, high = min(0.0, float(values.min())), float(np.quantile(values, BRIGHTEST))
    return Normalize(low, high if high > low else low + 1.0)


def draw_channel(
    axes: Axes, group: ImagesRecord, image: ImageRecord, channel: int, scale: Normalize, sides: Sides
) -> AxesImage:
    """Draw one channel of an image, its axes in pixels of the network's image; empty pixels are white."""
    height, width = (side * group.rebin for side in group.shape)
    extent = (0, width, 0, height) if sides.upwards else (0, width, height, 0)
    image_artist = axes.imshow(
        pixels(image.channels[channel], group.shape),
        cmap=COLOURS,
        norm=scale,
        origin="lower" if sides.upwards else "upper",
        extent=extent,
        interpolation="nearest",
        aspect="auto",
    )
    axes.set_xlabel(sides.x)
    axes.set_ylabel(sides.y)
    return image_artist


def pixels(stored: PixelsRecord, shape: tuple[int, int]) -> np.ndarray:
    """The channel as an array (height, width), NaN where nothing is stored."""
    dense = np.full(shape[0] * shape[1], np.nan)
    dense[np.cumsum(np.asarray(stored.step, np.int64))] = stored.value
    return dense.reshape(shape)


def add_colour_bar(figure: Figure, panels: list[Axes], image: AxesImage, group: ImagesRecord) -> None:
    """Add one colour bar, with the pixels' unit, for all panels; image: that of one of them."""
    unit = group.units[0]
    label = "content of a pixel" + (f" [{unit}]" if unit not in ("", "1") else "")
    figure.colorbar(image, ax=panels, label=label, extend="max", shrink=min(1.0, 3.2 / figure.get_figheight()))
