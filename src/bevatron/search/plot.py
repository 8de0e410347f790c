"""The image of a search: the loss trial by trial, and against each searched key."""

from typing import Any

from bevatron.config.sections.search import Choice, Integers, LogUniform, Search
from bevatron.figures import log_failure, placeholder_png, png_bytes, shorten
from bevatron.search.space import values_of
from bevatron.search.trial_log import FINISHED, STOPPED, Trial

COLUMNS = 3
FINISHED_STYLE = {"marker": "o", "color": "#3f90da", "label": "finished"}
STOPPED_STYLE = {"marker": "o", "edgecolors": "#3f90da", "facecolors": "none", "label": "stopped early"}
FAILED_STYLE = {"marker": "x", "color": "#bd1f01", "label": "no result"}


def search_png(title: str, search: Search, checkpoint: str, trials: list[Trial], best: Trial) -> bytes:
    """The image as PNG; losses are in the task's unit (nats, or the target's unit squared).

    Where it cannot be drawn, which costs no search its result, the PNG says why.
    """
    try:
        return _draw_search(title, search, checkpoint, trials, best)
    except Exception as error:
        return placeholder_png(log_failure(error, f"figure search.png of {title}"))


def _draw_search(title: str, search: Search, checkpoint: str, trials: list[Trial], best: Trial) -> bytes:
    import matplotlib.style
    import mplhep
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style = {
        "font.size": 11,
        "axes.labelsize": 11,
        "axes.linewidth": 1.2,
        "legend.fontsize": 9,
        "axes.titlesize": 12,
        "savefig.dpi": 130,
    }
    columns = min(COLUMNS, len(search.space))
    rows = -(-len(search.space) // columns)
    with matplotlib.style.context([mplhep.style.ROOT, style]):
        figure = Figure(figsize=(11, 3.6 + 3.0 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.add_gridspec(1 + rows, columns, height_ratios=[1.2, *[1] * rows])
        over_trials = figure.add_subplot(grid[0, :])
        _draw_trials(over_trials, checkpoint, trials)
        over_trials.set_title(
            f"{shorten(title)}: best trial {best.number}, validation loss {best.val_loss(checkpoint):.4g}", loc="left"
        )
        for index, key in enumerate(search.space):
            axes = figure.add_subplot(grid[1 + index // columns, index % columns], sharey=over_trials)
            _draw_key(axes, search, key, checkpoint, trials, best)
            if index % columns == 0:
                axes.set_ylabel("validation loss")
        return png_bytes(figure, "search.png", metadata={"Software": None})


def _draw_trials(axes: Any, checkpoint: str, trials: list[Trial]) -> None:
    succeeded = [trial for trial in trials if trial.succeeded]
    losses = [loss for trial in succeeded if (loss := trial.val_loss(checkpoint)) is not None]
    for status, look in ((FINISHED, FINISHED_STYLE), (STOPPED, STOPPED_STYLE)):
        chosen = [trial for trial in succeeded if trial.status == status]
        if chosen:
            axes.scatter([t.number for t in chosen], [t.val_loss(checkpoint) for t in chosen], s=36, zorder=3, **look)
    failed = [trial.number for trial in trials if not trial.succeeded]
    if failed:  # at the panel's upper edge: they have no loss to be drawn at
        axes.scatter(failed, [0.96] * len(failed), s=36, transform=axes.get_xaxis_transform(), zorder=3, **FAILED_STYLE)
    lowest = [min(losses[: k + 1]) for k in range(len(losses))]
    numbers = [trial.number for trial in succeeded]
    axes.step(
        [*numbers, len(trials) + 0.5],
        [*lowest, lowest[-1]],
        where="post",
        color="#ffa90e",
        label="best so far",
    )
    if min(losses) > 0 and max(losses) > 10 * min(losses):
        axes.set_yscale("log")
    axes.set_xlim(0.5, len(trials) + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    axes.set_xlabel("trial")
    axes.set_ylabel("validation loss")
    axes.legend(ncols=4, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1)


def _draw_key(axes: Any, search: Search, key: str, checkpoint: str, trials: list[Trial], best: Trial) -> None:
    distribution = search.space[key]

    def coordinate(trial: Trial) -> Any:  # choices stand at their positions: their values may be lists
        return trial.sampled[key] if isinstance(distribution, Choice) else values_of(search.space, trial.sampled)[key]

    for status, look in ((FINISHED, FINISHED_STYLE), (STOPPED, STOPPED_STYLE)):
        chosen = [trial for trial in trials if trial.succeeded and trial.status == status]
        if chosen:
            axes.scatter(
                [coordinate(t) for t in chosen], [t.val_loss(checkpoint) for t in chosen], s=36, zorder=3, **look
            )
    axes.scatter(
        [coordinate(best)],
        [best.val_loss(checkpoint)],
        s=130,
        marker="o",
        facecolors="none",
        edgecolors="#ffa90e",
        zorder=4,
    )
    axes.set_xlabel(key)
    if isinstance(distribution, Choice):
        labels = [str(value) for value in distribution.values]
        axes.set_xticks(range(len(labels)), labels, rotation=30 if max(map(len, labels)) > 8 else 0)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.minorticks_off()
        return
    if isinstance(distribution, LogUniform):
        axes.set_xscale("log")
    elif isinstance(distribution, Integers):
        axes.xaxis.get_major_locator().set_params(integer=True)
