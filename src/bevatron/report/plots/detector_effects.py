"""One event with each effect of the detector alone, and the effects themselves."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, INK, create_panels

BRIGHTEST = 0.98  # quantile of the sizes of pixels at which the colours end
LINEAR = 1.0  # size of a pixel up to which colours are linear; beyond, logarithmic
LINES = ("-", "--", ":")
MAP = plt.get_cmap("RdBu_r").with_extremes(bad="white")


def plot_detector_effects(effects: dict[str, Any]) -> Figure:
    """Images with one scale of colours, linear and then logarithmic, red above and blue below 0, then the panels with
    curves; effects: an entry of source.json.
    """
    images, entries = effects["images"], effects["panels"]
    figure, panels = create_panels(len(images) + len(entries), height=3.4, shared_colour_bar=True)
    size = np.abs(np.concatenate([image["value"] for image in images]))
    highest = float(np.quantile(size, BRIGHTEST)) if len(size) else 1.0
    scale = SymLogNorm(LINEAR, vmin=-highest, vmax=highest)
    for axes, image in zip(panels, images, strict=False):
        dense = np.full(image["shape"], np.nan)
        dense.ravel()[image["index"]] = image["value"]
        artist = axes.imshow(
            dense, cmap=MAP, norm=scale, origin="lower", extent=image["extent"], aspect="auto", interpolation="nearest"
        )
        axes.set_title(image["title"], loc="left")
        axes.set_xlabel(image["x"])
        axes.set_ylabel(image["y"])
    first = images[0]
    figure.colorbar(artist, ax=panels[: len(images)], label=f"content of a pixel [{first['unit']}]", extend="both")
    for axes, entry in zip(panels[len(images) :], entries, strict=True):
        ours = 0
        for curve in entry["curves"]:
            if curve["published"]:
                axes.plot(curve["x"], curve["y"], color=INK, lw=1.2, label=curve["label"], zorder=1)
                continue
            style = {"color": COLOURS[ours % len(COLOURS)], "ls": LINES[ours % len(LINES)], "lw": 1.4}
            axes.plot(curve["x"], curve["y"], label=curve["label"], **style)
            ours += 1
        axes.set_xlabel(entry["x"])
        axes.set_ylabel(entry["y"])
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.35 * (high - low))  # the legend hides nothing
        axes.legend(loc="upper left", fontsize=8.5)
    return figure
