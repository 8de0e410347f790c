"""The state of a workflow as tables, for a terminal of any width, or as plain text."""

import time

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.text import Text

from bevatron.watch.columns import ScreenColumn, fit_table
from bevatron.watch.snapshot import FailureState, Snapshot, StageState, StudyState, TrainingState
from bevatron.watch.words import NOTHING, count, duration, headline, loss, per_second, percent, plain, time_left

COLUMNS = {  # of the table of studies: which stages are counted together
    "sim.": ("simulate", "simulate_variation"),
    "prep.": ("totals", "prepare", "prepare_variation"),
    "data": ("manifest", "manifest_variation", "observables", "validate_source"),
    "search": ("search",),
    "train": ("train",),
    "eval.": ("evaluate", "evaluate_variation"),
    "report": ("report_study",),
    "export": ("export",),
    "apply": ("apply",),
}
DROPPED = {"report": 3, "data": 2, "export": 2, "apply": 2, "sim.": 1}  # where the terminal is narrow
LEGEND = "✗ failed  ▸ running  … queued"
STYLES = {"failed": "bold red", "running": "yellow", "finished": "green", "done": "green", "waiting": "dim"}
SILENT_SECONDS = 60.0  # after which it is said how old a training's numbers are


def draw(snapshot: Snapshot, width: int, height: int | None = None) -> RenderableType:
    """All of it, in `width` columns, and in about `height` lines where that is given: then studies that are finished,
    and the last of the trainings and log lines, are left out first.
    """
    room = Room(height)
    parts: list[RenderableType] = [Text(headline(snapshot), style=STYLES.get(snapshot.workflow.state, "bold"))]
    room.take(1)
    parts += _studies(snapshot, width, room)
    parts += _failures(snapshot.failures, room)
    parts += _trainings(snapshot, width, room)
    parts += _searches(snapshot, width, room)
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


def _studies(snapshot: Snapshot, width: int, room: Room) -> list[RenderableType]:
    shown = [study for study in snapshot.studies if study.missing is None]
    follow = 3 * bool(snapshot.trainings) + 5 * bool(snapshot.failures) + 3 * bool(snapshot.searches)
    n = max(min(3, len(shown)), room.rows(len(shown), 3, follow))
    ordered = sorted(shown, key=lambda study: study.counts["done"] == study.counts["total"])  # finished ones last
    kept = [study for study in shown if study in ordered[:n]]
    used = {name: stages for name, stages in COLUMNS.items() if any(_of(study, stages) for study in shown)}
    columns = [
        ScreenColumn(title, [_cell(_of(study, stages)) for study in kept], DROPPED.get(title, 0))
        for title, stages in used.items()
    ]
    columns.append(ScreenColumn("left", [time_left(study.seconds_left, study.unknown_jobs) for study in kept]))
    table = fit_table("", "study", [plain(study.study) for study in kept], columns, width)
    parts: list[RenderableType] = [table]
    room.take(1 + len(kept))
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


def _trainings(snapshot: Snapshot, width: int, room: Room) -> list[RenderableType]:
    if not snapshot.trainings:
        return []
    n = room.rows(len(snapshot.trainings), 3, 3 * bool(snapshot.searches))
    if n == 0:
        return [Text(f"{len(snapshot.trainings)} trainings", style="dim")]
    shown = snapshot.trainings[:n]
    folds = []
    if any(training.fold is not None for training in shown):
        folds = [ScreenColumn("fold", [NOTHING if t.fold is None else str(t.fold) for t in shown])]
    columns = [
        *folds,
        ScreenColumn("seed", [str(training.seed) for training in shown]),
        ScreenColumn("epoch", [_epoch(training) for training in shown]),
        ScreenColumn("train loss", [loss(training.train_loss) for training in shown], 1),
        ScreenColumn("val loss", [loss(training.val_loss) for training in shown]),
        ScreenColumn("best", [loss(training.best_val_loss) for training in shown], 3),
        ScreenColumn("samples/s", [per_second(training.samples_per_second) for training in shown], 2),
        ScreenColumn("wait", [percent(training.data_wait) for training in shown], 2),
        ScreenColumn("left", [_left(training, snapshot.time) for training in shown]),
    ]
    table = fit_table("trainings", "model", [plain(f"{t.study}/{t.model}") for t in shown], columns, width)
    room.take(n + 2)
    parts: list[RenderableType] = [table]
    if n < len(snapshot.trainings):
        parts.append(Text(f"and {len(snapshot.trainings) - n} more", style="dim"))
        room.take(1)
    return parts


def _searches(snapshot: Snapshot, width: int, room: Room) -> list[RenderableType]:
    n = room.rows(len(snapshot.searches), 3)
    if n == 0:
        return []
    shown = snapshot.searches[:n]
    columns = [
        ScreenColumn("trials", [f"{search.ended}/{search.trials}" for search in shown]),
        ScreenColumn("running", [str(search.running) for search in shown], 1),
        ScreenColumn("best loss", [loss(search.best_val_loss) for search in shown]),
        ScreenColumn("of trial", [NOTHING if s.best_trial is None else str(s.best_trial) for s in shown], 2),
        ScreenColumn("left", [duration(s.seconds_left) if s.state == "running" else s.state for s in shown]),
    ]
    table = fit_table("searches", "model", [plain(f"{s.study}/{s.model}") for s in shown], columns, width)
    room.take(n + 2)
    return [table]


def _dashboards(snapshot: Snapshot, room: Room) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for dashboard in snapshot.ray_dashboards[: room.rows(len(snapshot.ray_dashboards), 0) or None]:
        parts.append(
            Text(plain(f"Ray dashboard of {dashboard.study}/{dashboard.model}: {dashboard.url} on {dashboard.host}"))
        )
        token = f"token in {dashboard.token_file}; " if dashboard.token_file else ""
        parts.append(Text("  " + plain(f"{token}from another machine: {dashboard.tunnel}"), style="dim"))
    return parts


def _epoch(training: TrainingState) -> str:
    return NOTHING if training.epoch is None else f"{training.epoch:.0f}/{training.epochs or '?'}"


def _left(training: TrainingState, now: float) -> Text:
    """The time left; of a training without news how old its numbers are, and of one that has ended how."""
    old = now - (training.updated or now)
    if training.state in ("running", "silent") and old > SILENT_SECONDS:
        return Text(f"{duration(old)} old", style="yellow")
    if training.state == "running":
        return Text(duration(training.seconds_left))
    return Text(training.state, style=STYLES.get(training.state, "yellow"))


def draw_live(snapshot: Snapshot, width: int, height: int) -> RenderableType:
    """The screen of a terminal, with the time and the keys."""
    clock = time.strftime("%H:%M:%S", time.localtime(snapshot.time))
    screen = Layout()
    footer = Text(f"{clock}  q: quit  {LEGEND}", style="dim", no_wrap=True, overflow="ellipsis")
    screen.split_column(Layout(draw(snapshot, width, height - 1)), Layout(footer, size=1))
    return screen
