"""Snakemake's own log, followed as it grows: which jobs have started, finished and failed."""

import calendar
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bevatron.errors import UserError
from bevatron.regular_files import open_regular
from bevatron.watch.job_key import WILDCARDS, JobKey, job_key

STARTED, FINISHED, FAILED, WAITING = "started", "finished", "failed", "waiting"
CHUNK_BYTES = 1 << 24  # read at once
NEWEST = 10  # logs among which that of the last run is looked for; others are of `snakemake --unlock` and the like
_RULE = re.compile(r"^\s*(local)?(?:rule|checkpoint) (\w+):$")
_FIELD = re.compile(r"^\s+(\w+): (.*)$")
_FINISHED = re.compile(r"^Finished jobid: (\S+)")
_FAILED = re.compile(r"^\s*Error in rule (\w+):$")
_STEPS = re.compile(r"^(\d+) of (\d+) steps")
_SLOTS = re.compile(r"^Provided (?:cores|remote nodes): (\d+)")
_RESTART = re.compile(r"^Trying to restart job (\S+)\.")
_WILDCARDS = re.compile(rf", (?=(?:{'|'.join(WILDCARDS)})=)")  # names of files may have any signs
_LOGFILE = re.compile(r"^\s*Logfile .*:$")
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}  # in English: no locale is set


@dataclass
class LoggedJob:
    """What the log says of a job. started, ended: seconds since 1970; log: its own log file; remote: a batch system
    runs it, so that a job that was started may still wait there.
    """

    key: JobKey
    state: str = STARTED
    started: float | None = None
    ended: float | None = None
    log: str | None = None
    message: str = ""
    remote: bool = False


@dataclass
class _Block:
    """The lines about one job that are being read."""

    rule: str
    failed: bool
    remote: bool = False
    fields: dict[str, str] = field(default_factory=dict)


class SnakemakeLog:
    """The jobs of one run of Snakemake. `look` reads what the file has more than before.

    `ended` is None while the run goes on, then "finished", "failed" or "stopped".
    """

    def __init__(self, path: Path):
        self.path = path
        self.jobs: dict[JobKey, LoggedJob] = {}
        self.n_steps = self.n_done = 0
        self.ended: str | None = None
        self.peak = 0  # most jobs at a time
        self.slots = 0  # jobs of one core that Snakemake may run at a time; 0: it has not said so
        self.seconds: dict[tuple[str, str], list[float]] = {}  # of finished jobs, by rule and study: sum, number
        self._running = 0
        self._by_id: dict[str, JobKey] = {}
        self._at = 0
        self._rest = b""
        self._block: _Block | None = None
        self._time: float | None = None
        self._after_head = False  # whether the line before announced the log of a job
        self._ruler: str | None = None
        self._group_error = False

    def look(self) -> bool:
        """Read on; whether there was anything new. A file that is away for the moment changes nothing."""
        new = False
        with suppress(OSError, UserError), open_regular(self.path) as file:
            file.seek(self._at)
            while content := file.read(CHUNK_BYTES):
                new = True
                self._at += len(content)
                lines = (self._rest + content).split(b"\n")
                self._rest = lines.pop()
                for line in lines:
                    self._take(line.decode("utf-8", "replace").rstrip("\r"))
        block = self._block
        if block is not None and ("jobid" if block.failed else "resources") in block.fields:  # all that is needed
            self._close_block()
        return new

    @property
    def is_of_a_run(self) -> bool:
        """Whether jobs were to be run, or there was nothing to do."""
        return bool(self.n_steps or self.ended)

    @property
    def running(self) -> list[LoggedJob]:
        """The jobs that have started and not ended."""
        return [job for job in self.jobs.values() if job.state == STARTED]

    @property
    def failed(self) -> list[LoggedJob]:
        """The jobs that have failed and were not started again."""
        return [job for job in self.jobs.values() if job.state == FAILED]

    def mean_seconds(self, rule: str, study: str) -> float | None:
        """The mean time of the study's finished jobs of that rule."""
        total = self.seconds.get((rule, study))
        return total[0] / total[1] if total else None

    def _take(self, line: str) -> None:
        if self._ruler is not None:  # within the log of a job that failed, which may have any words
            self._ruler = None if line == self._ruler else self._ruler
            return
        after_head, self._after_head = self._after_head, False
        if after_head and line and not line.strip("="):
            self._ruler = line  # the same line ends it
            return
        if _LOGFILE.match(line):
            self._close_block()
            self._after_head = True
        elif line.startswith("[") and line.endswith("]"):
            self._close_block()
            self._time = _seconds(line[1:-1])
        elif match := _RULE.match(line):
            self._close_block()
            self._block = _Block(match[2], self._group_error, remote=match[1] is None)
        elif match := _FAILED.match(line):
            self._close_block()
            self._block = _Block(match[1], True)
        elif line.rstrip() == "    jobs:":
            self._close_block()
            self._group_error = True
        elif match := _FIELD.match(line):
            if self._block is not None:
                self._block.fields.setdefault(match[1], match[2])
        elif not line.startswith(" "):
            self._close_block()
            self._group_error = False
            self._take_message(line)

    def _take_message(self, line: str) -> None:
        if match := _FINISHED.match(line):
            self._finish(match[1])
        elif match := _STEPS.match(line):
            self.n_done, self.n_steps = int(match[1]), int(match[2])
        elif match := _RESTART.match(line):
            if (key := self._by_id.get(match[1])) is not None:
                self.jobs[key].state = WAITING
        elif match := _SLOTS.match(line):
            self.slots = int(match[1])
        elif line.startswith("total ") and not self.n_steps:
            with suppress(ValueError):
                self.n_steps = int(line.split()[1])
        elif line.startswith("Nothing to be done"):
            self.ended = FINISHED
        elif line.startswith("Terminating processes on user request"):
            self.ended = "stopped"
        elif line.startswith(("Exiting because a job execution failed", "WorkflowError")):
            self.ended = FAILED
        elif line.startswith("Complete log"):
            self.ended = self.ended or (FAILED if self.failed or self.n_done < self.n_steps else FINISHED)

    def _close_block(self) -> None:
        block, self._block = self._block, None
        if block is None or "jobid" not in block.fields:
            return
        job_id = block.fields["jobid"]
        if block.failed:
            self._fail(job_id, block)
            return
        wildcards: dict[str, str] = {}
        for part in _WILDCARDS.split(block.fields.get("wildcards", "")):
            name, _, value = part.partition("=")
            wildcards[name] = value
        key = job_key(block.rule, wildcards)
        self._by_id[job_id] = key
        logs = block.fields.get("log", "")
        self.jobs[key] = LoggedJob(key, started=self._time, log=logs.split(", ")[0] or None, remote=block.remote)
        self._running += 1
        self.peak = max(self.peak, self._running)

    def _finish(self, job_id: str) -> None:
        job = self.jobs.get(self._by_id.get(job_id, JobKey("")))
        if job is None:
            return
        if job.state == STARTED:
            self._running -= 1
        job.state, job.ended = FINISHED, self._time
        if job.started is not None and job.ended is not None:
            total = self.seconds.setdefault((job.key.rule, job.key.study), [0.0, 0])
            total[0] += job.ended - job.started
            total[1] += 1

    def _fail(self, job_id: str, block: _Block) -> None:
        key = self._by_id.get(job_id)
        if key is None:
            return
        job = self.jobs[key]
        if job.state == STARTED:
            self._running -= 1
        job.state, job.ended = FAILED, self._time
        message = block.fields.get("message", "")
        job.message = "" if message == "None" else message


def _seconds(text: str) -> float | None:
    """Of a local time as C writes it, 'Mon Nov 30 09:45:36 2026'."""
    with suppress(ValueError, KeyError, IndexError, OverflowError):
        _, month, day, clock, year = text.split()
        hour, minute, second = map(int, clock.split(":"))
        return time.mktime((int(year), _MONTHS[month], int(day), hour, minute, second, 0, 0, -1))
    return None


def newest_logs(folder: Path) -> list[Path]:
    """The last few logs in a workflow's folder, newest first: their names begin with the time of their start."""
    with suppress(OSError):
        return sorted((folder / ".snakemake/log").glob("*.snakemake.log"), reverse=True)[:NEWEST]
    return []
