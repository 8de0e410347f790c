"""Training and validation loss over the epochs."""

from collections.abc import Mapping
from textwrap import fill

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bevatron.report.plots.style import COLOURS, INK, create_panels

POINTS = 500  # points of a line that an eye can tell apart
WIDEST = 42  # letters of a title over a panel of three


Histories = Mapping[int | tuple[int, int], list[dict[str, str]]]
"""By seed, or by fold and seed, the rows of history.csv."""


def plot_learning_curves(loss: str, models: Mapping[str, Histories]) -> Figure:
    """A panel for each model; thin lines for the training loss of every seed, thick ones for validation.

    models: by title and seed, or fold and seed, the rows of history.csv; the seeds of a fold have one colour. The dot
    marks each training's lowest validation loss.
    """
    panels = [(title, histories, "") for title, histories in models.items()]
    return _plot_losses(loss, panels, "lowest validation loss")


def plot_auxiliary_curves(models: Mapping[str, tuple[Histories, list[str]]]) -> Figure:
    """The same for auxiliary tasks, a panel for each of each model. The dots mark where the loss of the model's own
    task was lowest, which decides what weights are kept.

    models: by title the histories and the names of the tasks.
    """
    panels = [
        (f"{fill(title, WIDEST)}\n{task}", histories, f".{task}")
        for title, (histories, tasks) in models.items()
        for task in tasks
    ]
    return _plot_losses("loss", panels, "lowest validation loss of the model's own task")


def _plot_losses(loss: str, panels_of: list[tuple[str, Histories, str]], dot: str) -> Figure:
    """Panels of title, histories, and what stands behind `train_loss` and `val_loss` in the columns' names."""
    figure, panels = create_panels(len(panels_of))
    for axes, (title, seeds, suffix) in zip(panels, panels_of, strict=True):
        names = {key: f"seed {key}" if isinstance(key, int) else f"fold {key[0]}" for key in seeds}
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names.values()))}
        for key, rows in seeds.items():
            name = names[key]
            colour = COLOURS[numbers[name] % len(COLOURS)]
            columns = ("epoch", f"train_loss{suffix}", f"val_loss{suffix}", "val_loss")
            epoch, training, validation, own = (_read_column(rows, column) for column in columns)
            best = int(np.nanargmin(own)) if np.isfinite(own).any() else 0
            selected = _thin(len(rows))
            axes.plot(epoch[selected], training[selected], color=colour, lw=0.8, alpha=0.75, ls="--")
            axes.plot(epoch[selected], validation[selected], color=colour, lw=1.6, label=name)
            axes.plot(epoch[best], validation[best], "o", color=colour, ms=5, mec="white", mew=0.8)
        low, high = axes.dataLim.intervaly
        if low > 0 and high > 3 * low:  # less than that is read more easily from equal steps
            axes.set_yscale("log")
        axes.set_title(title, loc="left")
        axes.set_xlabel("epoch")
        axes.set_ylabel(loss)
    shown = {label: handle for handle, label in zip(*panels[0].get_legend_handles_labels(), strict=True)}
    labels, handles = list(shown), list(shown.values())
    handles += [Line2D([], [], color=INK, lw=1.6), Line2D([], [], color=INK, lw=0.8, ls="--")]
    handles.append(Line2D([], [], color=INK, marker="o", ls=""))
    labels += ["validation", "training", dot]
    figure.legend(handles, labels, loc="outside upper left", ncols=min(len(labels), 8))
    return figure


def _read_column(rows: list[dict[str, str]], key: str) -> np.ndarray:
    return np.array([float(row[key]) if row.get(key) not in (None, "") else np.nan for row in rows])


def _thin(n: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(n, POINTS)).astype(int))
