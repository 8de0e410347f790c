"""Checkpoints that are whole or absent: published like shards, with a checksum; the newest valid one wins."""

import io
import logging
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import CheckpointIO

from bevatron.learning.history import History
from bevatron.store.publish import publish_text, publishing, sha256_of

log = logging.getLogger("bevatron")
KEEP = 2  # so that one damaged file costs one interval, not the fit


class DurableCheckpointIO(CheckpointIO):
    """Lightning's own writer may cross file systems and does not fsync; this one publishes like the store."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        path = Path(path)
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        with publishing(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())
        publish_text(checksum_path(path), sha256_of(path) + "\n")

    def load_checkpoint(self, path: str | Path, map_location: Any = None, weights_only: Any = None) -> dict[str, Any]:
        """Tensors and plain values alone: a checkpoint cannot run code."""
        return torch.load(path, map_location=map_location or "cpu", weights_only=True)

    def remove_checkpoint(self, path: str | Path) -> None:
        checksum_path(Path(path)).unlink(missing_ok=True)
        Path(path).unlink(missing_ok=True)


def checksum_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def newest_valid(folder: Path) -> Path | None:
    """The checkpoint of the highest block whose checksum holds; damaged ones are named in the log and passed over."""
    for path in sorted(folder.glob("block-*.ckpt"), reverse=True):
        checksum = checksum_path(path)
        if checksum.is_file() and checksum.read_text(encoding="ascii").strip() == sha256_of(path):
            return path
        log.warning("%s: checkpoint is incomplete or damaged; an earlier one is used", path)
    return None


def block_number(path: Path) -> int:
    """Blocks that were done when the checkpoint was saved."""
    return int(path.stem.removeprefix("block-"))


def forget_checkpoints(folder: Path) -> None:
    """Remove what only an unfinished fit needs."""
    for pattern in ("block-*.ckpt*", "best-*.safetensors"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


class Checkpointing(pl.Callback):
    """Saves the fit's whole state at the end of a block when `seconds` have passed since the last time, or on SIGTERM.

    SIGTERM, which batch systems send before they kill, ends the fit after the block in hand. Lightning's own handler
    would leave with exit code 0 before anything is saved, so it is replaced while the fit runs.

    A fit that stops early is not saved at its last block: it ends there, and a fit that went on from such a
    checkpoint would learn further than one that was never killed.
    """

    def __init__(self, folder: Path, seconds: float, history: History):
        self.folder, self.seconds, self.history = folder, seconds, history
        self.told_to_end = False
        self._last = time.monotonic()
        self._best: dict[Path, Path] = {}  # the best weights that each checkpoint of this process speaks of

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._remember)  # Lightning puts back what was there before the fit

    def _remember(self, *_: object) -> None:
        self.told_to_end = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if trainer.should_stop:
            return
        if self.told_to_end or time.monotonic() - self._last >= self.seconds:
            path = self.folder / f"block-{pl_module.blocks_done:09d}.ckpt"
            trainer.save_checkpoint(path)
            self._best[path] = self.history.best_weights()
            self._prune(trainer)
            self._last = time.monotonic()
        trainer.should_stop = self.told_to_end

    def _prune(self, trainer: pl.Trainer) -> None:
        """Drop checkpoints but the newest, and best weights of which neither they nor the fit speak."""
        *old, _ = sorted(self.folder.glob("block-*.ckpt"))
        for path in old[: -(KEEP - 1)]:
            trainer.strategy.remove_checkpoint(path)
        kept = sorted(self.folder.glob("block-*.ckpt"))
        if all(path in self._best for path in kept):
            needed = {self._best[path] for path in kept} | {self.history.best_weights()}
            for path in self.folder.glob("best-*.safetensors"):
                if path not in needed:
                    path.unlink(missing_ok=True)
