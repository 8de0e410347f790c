"""The spectrum of events by an invariant, by what an auto-encoder found, and by what it read."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, FAINT, INK, create_panels


def plot_invariant(curves: dict[str, Any]) -> Figure:
    """Stacked spectra by the truth, the latent dimension and a single input; h of two views against the truth."""
    unit = f" [{curves['unit']}]" if curves["unit"] else ""
    spectra = curves["spectra"]
    titles = {
        "truth": f"{curves['truth']}{unit}",
        "latent": "latent dimension h",
        "component": f"{curves['component']}{unit}",
    }
    figure, panels = create_panels(4, columns=2)
    for axes, (name, title) in zip(panels, titles.items(), strict=False):
        _draw_spectrum(axes, spectra[name])
        axes.set_xlabel(title)
    truth, latent, other = (np.array(curves["points"][name]) for name in ("truth", "latent", "other"))
    axes = panels[3]
    axes.plot(np.stack([truth, truth]), np.stack([latent, other]), color=FAINT, lw=0.6, zorder=1)
    axes.plot(truth, latent, ".", color=COLOURS[0], ms=3, label="first view")
    axes.plot(truth, other, ".", color=COLOURS[1], ms=3, label="second view")
    axes.set_xlabel(titles["truth"])
    axes.set_ylabel("latent dimension h")
    axes.legend()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return figure


def _draw_spectrum(axes: Axes, spectrum: dict[str, Any]) -> None:
    """Counts of the classes on top of each other, background first."""
    edges = np.array(spectrum["edges"])
    base = np.zeros(len(edges) - 1)
    for name, counts in sorted(spectrum["counts"].items(), key=lambda item: int(item[0])):
        number = int(name)
        colour, label = (
            (FAINT, "background") if number == 0 else (COLOURS[(number - 1) % len(COLOURS)], f"resonance {name}")
        )
        top = base + np.array(counts)
        axes.stairs(top, edges, baseline=base, fill=True, color=colour, label=label)
        base = top
    axes.stairs(base, edges, color=INK, lw=0.8)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, base.max() * 1.1)
    axes.set_ylabel("events")
