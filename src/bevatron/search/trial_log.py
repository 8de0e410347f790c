"""The trial log of a search: what was tried and what came of it, a JSON line each.

A killed search continues from it: Optuna's study and ASHA's rungs are made again from the trial log alone.
"""

import json
import os
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.regular_files import is_there, require_regular
from bevatron.store.files.publish import machine_fault
from bevatron.store.records.search import Status
from bevatron.system_errors import telling_system_faults

FINISHED, STOPPED, DIVERGED, MEMORY, FAILED = (
    "finished",
    "stopped early",
    "diverged",
    "out of memory",
    "failed",
)


@dataclass
class Trial:
    """One trial: `number` counts from 1; `sampled` is what Optuna drew; `losses` the validation loss by epoch.

    `status` is None until the trial has ended; `seconds` counts the time in the fit.
    """

    number: int
    sampled: dict[str, Any]
    losses: dict[float, float] = field(default_factory=dict)
    status: Status | None = None
    reason: str = ""
    seconds: float = 0.0
    process: int | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the trial has a loss that can be compared: it finished, or ASHA stopped it."""
        return self.status in (FINISHED, STOPPED) and bool(self.losses)

    @property
    def epochs(self) -> float:
        """The last epoch that was validated; 0 before the first."""
        return max(self.losses, default=0)

    def val_loss(self, checkpoint: str) -> float | None:
        """The loss of the weights that a fit publishes: its best; its last where the model keeps the last."""
        if not self.losses:
            return None
        return self.losses[self.epochs] if checkpoint == "last" else min(self.losses.values())


class TrialLog:
    """The trials of one search, in memory and in a file; whoever opens it holds the lock of its folder.

    A line cut off by a kill is dropped. Raises UserError if the file cannot be written or is damaged.
    """

    def __init__(self, path: Path):
        self.path = path
        self.trials: dict[int, Trial] = {}
        self.reports: list[tuple[int, float, float]] = []  # trial, epoch, loss, in the order they came
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if is_there(path):
                require_regular(path)
            self._file = open(path, "a+b")  # noqa: SIM115  (open as long as the search)
        except OSError as error:
            raise machine_fault(error, path) or error from error
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "TrialLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getstate__(self) -> dict[str, Any]:  # Tune keeps a pickled copy of its settings, which nobody reads
        return {key: value for key, value in self.__dict__.items() if key != "_file"}

    @property
    def ended(self) -> list[Trial]:
        """The trials that have ended, by number."""
        return [self.trials[n] for n in sorted(self.trials) if self.trials[n].status is not None]

    @property
    def interrupted(self) -> list[Trial]:
        """The trials that have started and not ended, by number."""
        return [self.trials[n] for n in sorted(self.trials) if self.trials[n].status is None]

    def start(self, number: int, sampled: dict[str, Any]) -> None:
        """A trial starts with the values that Optuna sampled."""
        self._write(event="start", trial=number, sampled=sampled)

    def report(self, number: int, epoch: float, val_loss: float, seconds: float) -> None:
        """A validation; an epoch known already, as a continued trial repeats it, is not written again."""
        if epoch not in self.trials[number].losses:
            self._write(event="report", trial=number, epoch=epoch, val_loss=val_loss, seconds=seconds)

    def end(self, number: int, status: str, reason: str, seconds: float, process: int | None) -> None:
        """A trial has ended; the line is on the disk when this returns."""
        self._write(
            event="end",
            trial=number,
            status=status,
            reason=reason,
            seconds=seconds,
            process=process,
            sync=True,
        )

    def archive(self) -> Path:
        """Rename the file, so that the next search starts from nothing."""
        aside = self.path.with_suffix(".failed.jsonl")
        os.replace(self.path, aside)
        return aside

    def _read(self) -> None:
        self._file.seek(0)
        with telling_system_faults(self.path):
            content = self._file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
        for number, line in enumerate(content[:whole].splitlines(), start=1):
            try:
                self._take(_check_line(json.loads(line)))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                raise UserError(
                    f"{self.path}:{number}",
                    "is no line of a search's trial log, or was changed or damaged",
                    "remove the file to search again",
                ) from None

    def _write(self, sync: bool = False, **line: Any) -> None:
        self._take(line)
        line["at"] = round(time.time(), 3)
        self._file.write(json.dumps(line | {"crc": _crc(line)}).encode() + b"\n")
        self._file.flush()
        if sync:
            os.fsync(self._file.fileno())

    def _take(self, line: dict[str, Any]) -> None:
        event, number = line["event"], line["trial"]
        if event == "start":
            self.trials[number] = Trial(number, line["sampled"])
            return
        trial = self.trials[number]
        trial.seconds = line["seconds"]
        if event == "report":
            trial.losses[line["epoch"]] = line["val_loss"]
            self.reports.append((number, line["epoch"], line["val_loss"]))
        else:
            trial.status, trial.reason, trial.process = line["status"], line["reason"], line["process"]


def _crc(line: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(line).encode())


def _check_line(line: dict[str, Any]) -> dict[str, Any]:
    """The line, if it is the one that was written: one turned bit makes another loss, and another best trial."""
    crc = line.pop("crc", None)
    if crc is not None and crc != _crc(line):
        raise ValueError("crc")
    if type(line["trial"]) is not int or line["trial"] < 1 or line["event"] not in ("start", "report", "end"):
        raise ValueError("trial")  # the number names the trial's folder
    if line["event"] == "start" and not isinstance(line["sampled"], dict):
        raise ValueError("sampled")
    return line
