"""How far a fit is: a live bar on a terminal, plain lines in a log."""

import logging
import math
import sys
import time
from typing import Any

import pytorch_lightning as pl

log = logging.getLogger("bevatron")
SECONDS_BETWEEN_LINES = 10.0


class Progress(pl.Callback):
    """One bar or one line for one fit, named by `title`."""

    def __init__(self, title: str):
        self.title = title
        self._bar: Any = None
        self._task: Any = None
        self._last_line = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Show the bar, on a terminal."""
        self._last_line = time.monotonic()
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),  # a title is no markup
            BarColumn(),
            TextColumn("epoch {task.fields[epoch]:,}/{task.fields[epochs]:,}  validation loss {task.fields[val_loss]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        schedule = pl_module.schedule
        self._task = self._bar.add_task(self.title, total=schedule.steps, epoch=0, epochs=schedule.epochs, val_loss="–")
        self._bar.start()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Move the bar, or write a line when the last one is old."""
        schedule = pl_module.schedule
        chunk = schedule.chunk(pl_module.chunks_done - 1)
        epoch = schedule.epochs_after(chunk)
        if self._bar is not None:
            self._bar.update(
                self._task, completed=chunk.last_step, epoch=epoch, val_loss=_format_loss(pl_module.val_loss)
            )
        elif time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            log.info(
                "%s: epoch %d of %d, validation loss %.5g",
                self.title,
                epoch,
                schedule.epochs,
                pl_module.val_loss,
            )

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Remove the bar."""
        self._stop()

    def on_exception(self, trainer: pl.Trainer, pl_module: Any, exception: BaseException) -> None:
        """Remove the bar."""
        self._stop()

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _format_loss(loss: float) -> str:
    return f"{loss:.5g}" if math.isfinite(loss) else "–"  # none before the first validation
