"""The state of a workflow as tables, for a terminal of any width, or as plain text."""

import time
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bevatron.watch.snapshot import FailureState, Snapshot, StageState, StudyState
from bevatron.watch.words import NOTHING, count, duration, headline, loss, per_second, percent, plain, time_left

COLUMNS = {  # of the table of studies: which stages are counted together
    "simulate": ("simulate",),
    "prepare": ("totals", "prepare"),
    "data": ("manifest", "observables", "validate_source"),
    "search": ("search",),
    "train": ("train",),
    "evaluate": ("evaluate",),
    "report": ("report_study",),
}
STYLES = {"failed": "bold red", "running": "yellow", "finished": "green", "done": "green", "waiting": "dim"}
SILENT_SECONDS = 60.0  # after which it is said how old a training's numbers are


def draw(snapshot: Snapshot, height: int | None = None) -> RenderableType:
    """All of it; of at most `height` lines where that is given: then studies that are finished, and the last of the
    trainings and log lines, are left out first.
    """
    room = Room(height)
    parts: list[RenderableType] = [Text(headline(snapshot), style=STYLES.get(snapshot.workflow.state, "bold"))]
    room.take(1)
    parts += _studies(snapshot, room)
    parts += _failures(snapshot.failures, room)
    parts += _trainings(snapshot, room)
    parts += _searches(snapshot, room)
    parts += _dashboards(snapshot, room)
    return Group(*parts)


class Room:
    """Lines that are left on the screen; without a height there is always room."""

    def __init__(self, height: int | None):
        self._left = height

    @property
    def is_limited(self) -> bool:
        """Whether there is a height."""
        return self._left is not None

    def take(self, lines: int) -> None:
        """Use so many."""
        if self._left is not None:
            self._left -= lines

    def rows(self, n: int, around: int, leave: int = 0) -> int:
        """How many of n rows there is room for in a table with `around` lines of its own; `leave`: for what follows."""
        if self._left is None:
            return n
        return max(0, min(n, self._left - around - leave))


def _table(title: str, *columns: str, right: Iterable[str] = ()) -> Table:
    table = Table(title=title or None, box=None, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=True, overflow="ellipsis")
    return table


def _studies(snapshot: Snapshot, room: Room) -> list[RenderableType]:
    shown = [study for study in snapshot.studies if study.missing is None]
    follow = 3 * bool(snapshot.trainings) + 5 * bool(snapshot.failures) + 3 * bool(snapshot.searches)
    n = max(min(3, len(shown)), room.rows(len(shown), 5, follow))
    ordered = sorted(shown, key=lambda study: study.counts["done"] == study.counts["total"])  # finished ones last
    kept = [study for study in shown if study in ordered[:n]]
    used = {name: stages for name, stages in COLUMNS.items() if any(_of(study, stages) for study in shown)}
    table = _table("", "study", *used, "left", right=("left", *used))
    for study in kept:
        cells = [_cell(_of(study, stages)) for stages in used.values()]
        table.add_row(plain(study.study), *cells, time_left(study.seconds_left, study.unknown_jobs))
    parts: list[RenderableType] = [table]
    room.take(3 + len(kept))
    if len(kept) < len(shown):
        parts.append(Text(f"and {len(shown) - len(kept)} more studies", style="dim"))
        room.take(1)
    for study in snapshot.studies:
        if study.missing is not None:
            parts.append(Text(f"{plain(study.study)} is left out: {plain(study.missing)}", style="dim"))
            room.take(1)
    return parts


def _of(study: StudyState, stages: tuple[str, ...]) -> list[StageState]:
    return [state for state in study.stages if state.stage in stages]


def _cell(states: list[StageState]) -> Text:
    """As '5/8 ▸2': 5 of 8 jobs are done and 2 run; ✗ are those that failed, … those in the batch system's queue."""
    if not states:
        return Text(NOTHING, style="dim")
    done, total, running, queued, failed = (
        sum(getattr(state, name) for state in states) for name in ("done", "total", "running", "queued", "failed")
    )
    marks = "".join(f" {sign}{n}" for sign, n in (("✗", failed), ("▸", running), ("…", queued)) if n)
    if failed:
        style = STYLES["failed"]
    elif done == total:
        style = STYLES["done"]
    else:
        style = STYLES["running"] if running or queued else STYLES["waiting"]
    return Text(count(done, total) + marks, style=style)


def _failures(failures: tuple[FailureState, ...], room: Room) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for number, failure in enumerate(failures):
        n = room.rows(len(failure.lines), 2, leave=2 * (len(failures) - number - 1))
        if room.rows(1, 1) == 0:
            parts.append(Text(f"and {len(failures) - number} more failed jobs", style=STYLES["failed"]))
            room.take(1)
            break
        what = "/".join(filter(None, (failure.study, failure.item)))
        where = f" ({failure.log})" if failure.log else ""
        parts.append(Text(plain(f"failed: {failure.rule} {what}{where}"), style=STYLES["failed"]))
        if failure.message:
            parts.append(Text(f"  {plain(failure.message)}", no_wrap=True, overflow="ellipsis"))
        parts += [
            Text(f"  {plain(line)}", no_wrap=room.is_limited, overflow="ellipsis" if room.is_limited else "fold")
            for line in failure.lines[len(failure.lines) - n :]
        ]
        room.take(1 + bool(failure.message) + n)
    return parts


def _trainings(snapshot: Snapshot, room: Room) -> list[RenderableType]:
    if not snapshot.trainings:
        return []
    n = room.rows(len(snapshot.trainings), 5, 4 * bool(snapshot.searches))
    if n == 0:
        return [Text(f"{len(snapshot.trainings)} trainings", style="dim")]
    right = ("epoch", "train loss", "val loss", "best", "samples/s", "wait", "left")
    table = _table("trainings", "model", "seed", "epoch", "train loss", "val loss", "best", "samples/s", "wait",
                   "left", right=("seed", *right))  # fmt: skip
    for training in snapshot.trainings[:n]:
        epoch = NOTHING if training.epoch is None else f"{training.epoch:.0f}/{training.epochs or '?'}"
        left = duration(training.seconds_left) if training.state == "running" else training.state
        old = snapshot.time - (training.updated or snapshot.time)
        if training.state in ("running", "silent") and old > SILENT_SECONDS:
            left = f"{duration(old)} old"
        table.add_row(
            plain(f"{training.study}/{training.model}"), str(training.seed), epoch, loss(training.train_loss),
            loss(training.val_loss), loss(training.best_val_loss), per_second(training.samples_per_second),
            percent(training.data_wait), left, style=STYLES["failed"] if training.state == "failed" else None,
        )  # fmt: skip
    room.take(n + 4)
    parts: list[RenderableType] = [table]
    if n < len(snapshot.trainings):
        parts.append(Text(f"and {len(snapshot.trainings) - n} more", style="dim"))
        room.take(1)
    return parts


def _searches(snapshot: Snapshot, room: Room) -> list[RenderableType]:
    n = room.rows(len(snapshot.searches), 4)
    if n == 0:
        return []
    table = _table("searches", "model", "trials", "running", "best loss", "of trial", "left",
                   right=("trials", "running", "best loss", "of trial", "left"))  # fmt: skip
    for search in snapshot.searches[:n]:
        trial = NOTHING if search.best_trial is None else str(search.best_trial)
        table.add_row(
            plain(f"{search.study}/{search.model}"), f"{search.ended}/{search.trials}", str(search.running),
            loss(search.best_val_loss), trial, duration(search.seconds_left),
        )  # fmt: skip
    room.take(n + 4)
    return [table]


def _dashboards(snapshot: Snapshot, room: Room) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for dashboard in snapshot.ray_dashboards[: room.rows(len(snapshot.ray_dashboards), 0) or None]:
        parts.append(
            Text(plain(f"Ray dashboard of {dashboard.study}/{dashboard.model}: {dashboard.url} on {dashboard.host}"))
        )
        token = f"token in {dashboard.token_file}; " if dashboard.token_file else ""
        parts.append(Text(plain(f"  {token}from another machine: {dashboard.tunnel}"), style="dim"))
    return parts


def draw_live(snapshot: Snapshot, height: int) -> RenderableType:
    """The screen of a terminal, with the time and the keys."""
    clock = time.strftime("%H:%M:%S", time.localtime(snapshot.time))
    return Group(draw(snapshot, height - 1), Text(f"{clock}   q: quit", style="dim"))
