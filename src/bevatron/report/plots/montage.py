"""Many small images in rows, drawn as one: an axis for each would take most of a page's time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from bevatron.report.plots.style import INK


def draw_montage(axes: Axes, rows: dict[str, list], colours: str, low: float, high: float) -> AxesImage:
    """Draw images (height, width), of one shape all of them, side by side in titled rows, on one scale of colours."""
    height, width = np.shape(next(iter(rows.values()))[0])
    gap = max(1, max(height, width) // 10)
    down, across = height + gap, width + gap
    buffer = np.full((down * len(rows) - gap, across * max(map(len, rows.values())) - gap), np.nan)
    frames = []
    for i, images in enumerate(rows.values()):
        for k, image in enumerate(images):
            y, x = down * i, across * k
            buffer[y : y + height, x : x + width] = image
            frames.append(Rectangle((x - 0.5, y - 0.5), width, height))
    image_artist = axes.imshow(buffer, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.add_collection(PatchCollection(frames, facecolor="none", edgecolor=INK, linewidth=0.8, clip_on=False))
    axes.set_xticks([])
    axes.set_yticks([down * i + (height - 1) / 2 for i in range(len(rows))], list(rows), fontsize=9.5)
    axes.minorticks_off()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image_artist
