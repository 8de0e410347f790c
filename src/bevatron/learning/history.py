"""What happened in a fit, round by round: kept in the checkpoints, so that a kill neither loses nor repeats a row."""

import csv
import hashlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from bevatron.models.network import weights_bytes
from bevatron.store.publish import machine_fault, publishing

COLUMNS = ("epoch", "step", "train_loss", "val_loss", "learning_rate", "seconds", "waited")


class History(pl.Callback):
    """Rows of losses at every validation; the best weights so far; the time in training steps, and waiting for data.

    The rows go to `history.csv` and to the logger. The best weights are published in the fit's folder before any
    checkpoint that speaks of them. In a team the leading worker writes; the others keep the same rows.
    """

    def __init__(self, folder: Path, on_validation: Callable[[dict[str, Any]], None] | None = None):
        self.folder, self._on_validation = folder, on_validation
        self.rows: list[dict[str, float]] = []
        self.best_loss, self.best_epoch, self.best_sha256 = math.inf, 0, ""
        self.seconds = self.waited = 0.0
        self._start = 0.0

    def best_weights(self) -> Path:
        return self.folder / best_name(self.best_epoch)

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self._start = time.perf_counter()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seconds += time.perf_counter() - self._start
        data = trainer.datamodule
        self.waited, data.waited = self.waited + data.waited, 0.0

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        block = pl_module.schedule.block(pl_module.blocks_done - 1)
        row = {
            "epoch": pl_module.schedule.epochs_after(block),
            "step": block.last_step,
            "train_loss": pl_module.take_round_loss(),
            "val_loss": pl_module.val_loss,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "seconds": self.seconds,
            "waited": self.waited,
        }
        self.rows.append(row)
        if row["val_loss"] < self.best_loss:
            self._take_best(row, pl_module)
        if pl_module.team.leads:
            self._write_rows()
        for logger in trainer.loggers:
            logger.log_metrics({k: row[k] for k in ("train_loss", "val_loss", "learning_rate")}, step=row["step"])
        if self._on_validation is not None:
            self._on_validation(row)

    def _take_best(self, row: dict[str, float], pl_module: Any) -> None:
        self.best_loss, self.best_epoch = row["val_loss"], int(row["epoch"])
        if pl_module.job.model.training.keep == "best":
            content = weights_bytes(pl_module.network)
            self.best_sha256 = hashlib.sha256(content).hexdigest()
            if pl_module.team.leads:
                with publishing(self.best_weights()) as temporary:
                    temporary.write_bytes(content)

    def _write_rows(self) -> None:
        path = self.folder / "history.csv"
        temporary = self.folder / ".history.csv.part"  # live and made anew from the checkpoint: needs no fsync
        try:
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(self.rows)
            temporary.replace(path)
        except OSError as error:
            raise machine_fault(error, path) or error from error

    def state_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "best_sha256": self.best_sha256,
            "seconds": self.seconds,
            "waited": self.waited,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]
        self.best_loss, self.best_epoch = state_dict["best_loss"], state_dict["best_epoch"]
        self.best_sha256 = state_dict.get("best_sha256", "")
        self.seconds, self.waited = state_dict["seconds"], state_dict.get("waited", 0.0)


def best_name(epoch: int) -> str:
    return f"best-{epoch:06d}.safetensors"
