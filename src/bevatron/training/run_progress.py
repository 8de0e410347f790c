"""How far a training is, in the file `progress.json` of its folder, for `bevatron watch`."""

import math
import os
import socket
import time
from typing import Any

import pytorch_lightning as pl

from bevatron.compute.process.sigterm import StopRequested
from bevatron.errors import UserError, in_one_line
from bevatron.store.files.live_file import write_live
from bevatron.training.history import History
from bevatron.training.job import FitJob

PROGRESS = "progress.json"
SECONDS_BETWEEN_WRITES = 2.0
ERROR_LENGTH = 300
RUNNING, FINISHED, STOPPED, FAILED = "running", "finished", "stopped", "failed"


class ProgressFile:
    """The file of one fit, as a context: `running` within it, then `finished`, `stopped` or `failed` with the error.

    Trials of a search have none, for the search's trial log has their validations. A fault in writing it ends nothing.
    """

    def __init__(self, job: FitJob, enabled: bool):
        self._path = job.folder / PROGRESS if enabled and job.epochs is None else None
        self._values: dict[str, Any] = {
            "kind": "training",
            "study": job.study.name,
            "model": job.name,
            "title": job.model.title,
            "seed": job.seed,
            "fold": job.fold,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": time.time(),
        }
        self._written = -math.inf

    def __enter__(self) -> "ProgressFile":
        self.write(state=RUNNING)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if error is None:
            self.write(state=FINISHED)
            return
        stopped = not isinstance(error, Exception) or (isinstance(error, UserError) and _is_stop(error))
        text = str(error) or type(error).__name__
        self.write(state=STOPPED if stopped else FAILED, error=in_one_line(text)[:ERROR_LENGTH])

    @property
    def is_due(self) -> bool:
        """Whether the last write is old enough for another."""
        return self._path is not None and time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES

    def write(self, **values: Any) -> None:
        """Write the file with these values changed; numbers that are not finite become null."""
        self._values |= {name: _finite(value) for name, value in values.items()}
        if self._path is None:
            return
        self._written = time.monotonic()
        write_live(self._path, self._values | {"updated": time.time()})


class RunProgress(pl.Callback):
    """Writes a fit's epoch, losses and speed into its file, every few seconds and at its end.

    `samples_per_second` and `data_wait`, a fraction, are those of the steps since the write before; `seconds_left` is
    that of all remaining epochs at this life's speed, validations included, so an upper bound with early stopping.
    """

    def __init__(self, file: ProgressFile, history: History):
        self._file, self._history = file, history
        self._first_step, self._start = 0, 0.0
        self._last = (0, 0.0, 0.0)  # step, seconds in steps, seconds waiting for data at the last write

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write where this life of the fit begins."""
        schedule, history = pl_module.schedule, self._history
        self._first_step = schedule.chunk(pl_module.chunks_done).first_step if pl_module.chunks_done else 0
        self._start = time.monotonic()
        self._last = (self._first_step, history.seconds, history.data_wait)
        self._file.write(
            step=self._first_step, steps=schedule.steps, epochs=schedule.epochs,
            epoch=self._first_step // schedule.steps_per_epoch, **self._losses(),
        )  # fmt: skip

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Write, where the last write is old enough."""
        if self._file.is_due:
            self._write(trainer, pl_module)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Write the end."""
        self._write(trainer, pl_module)

    def _write(self, trainer: Any, pl_module: Any) -> None:
        schedule, history = pl_module.schedule, self._history
        if not pl_module.chunks_done:
            return
        step = schedule.chunk(pl_module.chunks_done - 1).last_step
        steps, seconds, waited = (
            now - before for now, before in zip((step, history.seconds, history.data_wait), self._last, strict=True)
        )
        speed: dict[str, Any] = {}
        if steps > 0 and seconds > 0:
            samples = steps * trainer.datamodule.samples_per_epoch / schedule.steps_per_epoch
            speed = {"samples_per_second": samples / seconds, "data_wait": min(1.0, waited / seconds)}
            self._last = (step, history.seconds, history.data_wait)
        done = step - self._first_step
        if done > 0:
            speed["seconds_left"] = (schedule.steps - step) * (time.monotonic() - self._start) / done
        self._file.write(step=step, epoch=step / schedule.steps_per_epoch, **speed, **self._losses())

    def _losses(self) -> dict[str, Any]:
        rows = self._history.rows
        if not rows:
            return {}
        last = rows[-1]
        return {
            "train_loss": last["train_loss"],
            "val_loss": last["val_loss"],
            "best_val_loss": self._history.best_loss,
            "best_epoch": self._history.best_epoch,
        }


def _is_stop(error: UserError) -> bool:
    return "SIGTERM" in error.what or isinstance(error.__cause__, StopRequested)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
