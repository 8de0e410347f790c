"""Trainings and searches that are going on, from the folders of their live state."""

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.regular_files import open_regular
from bevatron.watch.job_key import JobKey, item_of
from bevatron.watch.live_json import number, read_live, text
from bevatron.watch.processes import has_ended

NEW_FOLDER_SECONDS, OLD_FOLDER_SECONDS = 3600.0, 60.0  # an older folder without a word is looked into once a minute
SILENT_SECONDS = 600.0  # without news from another machine, a training is no longer called running
MOST_FOLDS = 1000
ADDRESS = re.compile(r"[\w.:\[\]-]+:\d+")
RUNNING, SILENT, ENDED = "running", "silent", "interrupted"


@dataclass(frozen=True)
class LiveTraining:
    """What `progress.json` of a training says, and whether its process is there.

    state: "running", "finished", "failed", "stopped", "interrupted" (its process has ended without a word) or "silent"
    (on another machine, and without news).
    """

    folder: Path
    values: dict[str, Any]
    state: str

    @property
    def name(self) -> tuple[str, str, int]:
        """Study, model and seed."""
        model = text(self.values.get("model")) or text(self.values.get("title"))
        return text(self.values.get("study")), model, int(number(self.values.get("seed")) or 0)

    @property
    def fold(self) -> int | None:
        """The fold that is left out, of a cross-validation."""
        fold = number(self.values.get("fold"))
        return int(fold) if fold is not None and 0 <= fold < MOST_FOLDS else None

    @property
    def key(self) -> JobKey:
        """The job that the training is a seed of."""
        study, model, _ = self.name
        return JobKey("train", study, item_of(model, self.fold))


@dataclass
class LiveSearch:
    """A search's trials, from its trial log."""

    folder: Path
    study: str
    model: str
    trials: int
    checkpoint: str
    state: str = RUNNING  # or ENDED
    losses: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)
    started: int = 0
    begun: float | None = None
    updated: float | None = None
    _at: int = 0

    @property
    def n_ended(self) -> int:
        """Trials that have ended."""
        return len(self.statuses)

    @property
    def n_running(self) -> int:
        """Trials that have started and not ended."""
        return max(0, self.started - len(self.statuses))

    def best(self) -> tuple[int, float] | None:
        """The trial of the lowest validation loss so far, and its loss."""
        losses = {}
        for trial, reports in self.losses.items():
            if reports and self.statuses.get(trial, "finished") in ("finished", "stopped early"):
                losses[trial] = max(reports)[1] if self.checkpoint == "last" else min(loss for _, loss in reports)
        best = min(losses, key=lambda trial: (losses[trial], trial), default=None)
        return None if best is None else (best, losses[best])

    def look(self) -> None:
        """Read the trial log's new whole lines."""
        with suppress(OSError, UserError), open_regular(self.folder / "trial_log.jsonl") as file:
            size = os.fstat(file.fileno()).st_size
            if size < self._at:  # another search began
                self.losses, self.statuses, self.started, self._at = {}, {}, 0, 0
            file.seek(self._at)
            content = file.read()
            whole = content.rfind(b"\n") + 1
            self._at += whole
            for line in content[:whole].splitlines():
                with suppress(ValueError, KeyError, TypeError, AttributeError):
                    self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        event, trial = line["event"], int(line["trial"])
        self.updated = number(line.get("at")) or self.updated
        self.begun = self.begun or self.updated
        if event == "start":
            self.started = max(self.started, trial)
            self.losses[trial] = []
            self.statuses.pop(trial, None)
        elif event == "report":
            self.losses.setdefault(trial, []).append((float(line["epoch"]), float(line["val_loss"])))
        elif event == "end":
            self.statuses[trial] = str(line["status"])


@dataclass(frozen=True)
class LiveSession:
    """A Ray cluster that runs now. url: of its dashboard, if it has one; metrics: host:port of each node."""

    study: str
    model: str
    url: str
    metrics: tuple[str, ...]
    token_file: str | None
    host: str
    login_host: str | None

    @property
    def tunnel(self) -> str:
        """The command that makes the address reachable from another machine."""
        port = self.url.rpartition(":")[2]
        jump = f"-J {self.login_host} " if self.login_host and self.login_host != self.host else ""
        return f"ssh {jump}-L {port}:127.0.0.1:{port} {self.host}"


class LiveRuns:
    """The folders of `runs/`. Those of finished trainings are read once, those of others at each look."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.trainings: dict[Path, LiveTraining] = {}
        self.searches: dict[Path, LiveSearch] = {}
        self.sessions: list[LiveSession] = []
        self._settled: set[str] = set()
        self._unknown: dict[str, float] = {}  # when a folder without a word in it is looked into again

    def look(self) -> None:
        """Read what is new in the folders."""
        names: list[str] = []
        with suppress(OSError):
            names = os.listdir(self.folder)
        there = set(names)
        for gone in [path for path in (*self.trainings, *self.searches) if path.name not in there]:
            self.trainings.pop(gone, None)
            self.searches.pop(gone, None)
        self._settled &= there
        self.sessions = []
        for name in names:
            if name not in self._settled and time.time() >= self._unknown.get(name, 0.0):
                self._look_into(self.folder / name)

    def _look_into(self, folder: Path) -> None:
        found = read_live(folder / "progress.json")
        now = time.time()
        if found is None:  # none yet, or made by an earlier Bevatron
            with suppress(OSError):
                if now - os.stat(folder).st_mtime > NEW_FOLDER_SECONDS:
                    self._unknown[folder.name] = now + OLD_FOLDER_SECONDS
            return
        if found.get("kind") == "search":
            self._look_at_search(folder, found)
        else:
            self._look_at_training(folder, found, now)
        session = read_live(folder / "ray" / "session.json")
        if session is not None:
            self._look_at_session(found, session)

    def _look_at_session(self, found: dict[str, Any], session: dict[str, Any]) -> None:
        host = text(session.get("host"))
        if has_ended(int(number(session.get("pid")) or 0), host) is True:
            return  # killed: it would have removed the file
        metrics = session.get("metrics")
        self.sessions.append(
            LiveSession(
                text(found.get("study")),
                text(found.get("model")),
                text(session.get("dashboard_url")),
                tuple(filter(ADDRESS.fullmatch, map(text, metrics))) if isinstance(metrics, list) else (),
                text(session.get("token_file")) or None,
                host,
                text(session.get("login_host")) or None,
            )
        )

    def _look_at_training(self, folder: Path, found: dict[str, Any], now: float) -> None:
        state = text(found.get("state"))
        if state == "finished":
            self._settled.add(folder.name)
        elif state == RUNNING:
            ended = has_ended(int(number(found.get("pid")) or 0), text(found.get("host")))
            if ended:
                state = ENDED
            elif ended is None and now - (number(found.get("updated")) or 0.0) > SILENT_SECONDS:
                state = SILENT
        self.trainings[folder] = LiveTraining(folder, found, state)

    def _look_at_search(self, folder: Path, found: dict[str, Any]) -> None:
        if folder not in self.searches:
            trials, checkpoint = int(number(found.get("trials")) or 0), text(found.get("checkpoint"), "best")
            model = text(found.get("model"))
            self.searches[folder] = LiveSearch(folder, text(found.get("study")), model, trials, checkpoint)
        search = self.searches[folder]
        search.look()
        ended = has_ended(int(number(found.get("pid")) or 0), text(found.get("host")))
        search.state = ENDED if ended else RUNNING
