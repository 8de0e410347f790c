"""What happened in a fit, a row for each validation: kept in the checkpoints, so that a kill loses and repeats none."""

import csv
import hashlib
import io
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from bevatron.models.network import weights_bytes
from bevatron.store.files.publish import machine_fault, publish_text, publishing

COLUMNS: tuple[str, ...] = ("epoch", "step", "train_loss", "val_loss", "learning_rate", "seconds", "data_wait")
COUNTS = ("epoch", "step")  # the columns of integers
TOTALS = ("train_total_loss", "val_total_loss")
HEADER = ",".join(COLUMNS) + "\r\n"


class History(pl.Callback):
    """Rows of losses at every validation; the best weights so far; the time in training steps, and waiting for data.

    The rows go to `history.csv` and to the logger. Each life of the fit starts the file again with the rows of its
    checkpoint and appends its own, so that a row costs the same however many there are; a row that a kill cut short is
    gone with the next life. At the fit's end the whole file is published. The best weights are published in the fit's
    folder before any checkpoint that names them. Of several workers rank 0 writes; the others keep the same rows.

    The best weights are those of the lowest validation loss of the task itself. With auxiliary tasks, `auxiliary` being
    their names, a row has the losses of each and, as `train_total_loss` and `val_total_loss`, of all together.
    """

    def __init__(
        self,
        folder: Path,
        on_validation: Callable[[dict[str, Any]], None] | None = None,
        auxiliary: Sequence[str] = (),
    ):
        self.folder, self._on_validation, self.auxiliary = folder, on_validation, tuple(auxiliary)
        self._losses = tuple(f"{split}_loss.{task}" for task in auxiliary for split in ("train", "val"))
        self._losses += TOTALS if auxiliary else ()
        self.columns = (*COLUMNS, *self._losses)
        self.rows: list[dict[str, float]] = []
        self.best_loss, self.best_epoch, self.best_sha256 = math.inf, 0, ""
        self.seconds = self.data_wait = 0.0
        self._start = 0.0
        self._begun = False  # whether this life has written the rows of those before

    def best_weights(self) -> Path:
        """Where the best weights so far are."""
        return self.folder / best_name(self.best_epoch)

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Start the clock of the steps."""
        self._start = time.perf_counter()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Add the time in the steps, and the part of it that they waited for data."""
        self.seconds += time.perf_counter() - self._start
        data = trainer.datamodule
        self.data_wait, data.data_wait = self.data_wait + data.data_wait, 0.0

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Append a row, keep the weights where they are the best, and report the row."""
        chunk = pl_module.schedule.chunk(pl_module.chunks_done - 1)
        row = {
            "epoch": pl_module.schedule.epochs_after(chunk),
            "step": chunk.last_step,
            "train_loss": pl_module.take_interval_loss(),
            "val_loss": pl_module.val_loss,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": self.seconds,
            "data_wait": self.data_wait,
        }
        if self.auxiliary:
            row |= pl_module.auxiliary.take(row["train_loss"], row["val_loss"])
        self.rows.append(row)
        if row["val_loss"] < self.best_loss:
            self._take_best(row, pl_module)
        if pl_module.context.is_rank_zero:
            self._write_row(row)
        for logger in trainer.loggers:
            shown = ("train_loss", "val_loss", "learning_rate", *self._losses)
            logger.log_metrics({name: row[name] for name in shown}, step=row["step"])
        if self._on_validation is not None:
            self._on_validation(row)

    def _take_best(self, row: dict[str, float], pl_module: Any) -> None:
        self.best_loss, self.best_epoch = row["val_loss"], int(row["epoch"])
        if pl_module.job.model.training.checkpoint == "best":
            content = weights_bytes(pl_module.network)
            self.best_sha256 = hashlib.sha256(content).hexdigest()
            if pl_module.context.is_rank_zero:
                with publishing(self.best_weights()) as temporary:
                    temporary.write_bytes(content)

    def auxiliary_losses(self, checkpoint: str) -> dict[str, float]:
        """By auxiliary task, its validation loss with the weights that are published: the best, or the last."""
        epoch = self.best_epoch if checkpoint == "best" else self.rows[-1]["epoch"]
        row = next(row for row in self.rows if row["epoch"] == epoch)
        return {name: row[f"val_loss.{name}"] for name in self.auxiliary}

    def publish(self) -> None:
        """All rows at once, whole and on the disk."""
        header = ",".join(self.columns) + "\r\n"
        publish_text(self.folder / "history.csv", header + format_csv(self.rows, self.columns))
        self._begun = True

    def _write_row(self, row: dict[str, float]) -> None:
        if not self._begun:
            self.publish()
            return
        path = self.folder / "history.csv"
        try:
            with path.open("a", newline="", encoding="utf-8") as file:
                file.write(format_csv([row], self.columns))
        except OSError as error:
            raise machine_fault(error, path) or error from error

    def state_dict(self) -> dict[str, Any]:
        """The rows and the best so far, for a checkpoint."""
        rows = [[row[name] for name in self.columns] for row in self.rows]
        table = torch.tensor(rows, dtype=torch.float64).reshape(-1, len(self.columns))  # exact: counts are below 2^53
        return {
            "rows": table,
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "best_sha256": self.best_sha256,
            "seconds": self.seconds,
            "data_wait": self.data_wait,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the rows and the best of a checkpoint."""
        self.rows = [
            {name: int(value) if name in COUNTS else value for name, value in zip(self.columns, values, strict=True)}
            for values in state_dict["rows"].tolist()
        ]
        self.best_loss, self.best_epoch = state_dict["best_loss"], state_dict["best_epoch"]
        self.best_sha256 = state_dict.get("best_sha256", "")
        self.seconds, self.data_wait = state_dict["seconds"], state_dict.get("data_wait", 0.0)


def format_csv(rows: list[dict[str, float]], columns: Sequence[str] = COLUMNS) -> str:
    """The rows as lines of history.csv, without its header."""
    text = io.StringIO(newline="")
    csv.DictWriter(text, columns).writerows(rows)
    return text.getvalue()


def best_name(epoch: int) -> str:
    """The file name of the best weights, those of `epoch`."""
    return f"best-{epoch:06d}.safetensors"
