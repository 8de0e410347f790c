"""Checkpoints that are whole or absent: published like shards, with a checksum; the newest valid one wins."""

import io
import logging
import re
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import CheckpointIO

from bevatron.errors import SystemFault, UserError
from bevatron.regular_files import read_text, require_regular
from bevatron.store.files.publish import publish_text, publishing, sha256_of
from bevatron.system_errors import telling_system_faults
from bevatron.training.history import History, best_name

log = logging.getLogger("bevatron")
BEST_NAME = re.compile(r"best-[0-9]+\.safetensors")  # as `best_name` makes them
KEEP = 2  # so that one damaged file costs one interval, not the fit


class DurableCheckpointIO(CheckpointIO):
    """Lightning's own writer may cross file systems and does not fsync; this one publishes like the store."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Publish the checkpoint at `path`, and beside it its SHA-256 and that of the best weights it names."""
        _publish(Path(path), *_serialise(checkpoint))

    def load_checkpoint(self, path: str | Path, map_location: Any = None, weights_only: Any = None) -> dict[str, Any]:
        """Tensors and plain values alone: a checkpoint cannot run code. Raises UserError for one that would, and
        SystemFault where the system does not let it be read.
        """
        try:
            require_regular(Path(path))
            with telling_system_faults(Path(path)):
                return torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except (UnpicklingError, EOFError, RuntimeError, ValueError, TypeError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            raise UserError(
                path,
                "is no checkpoint of Bevatron's: it holds more than tensors and plain values, and was not loaded",
                "remove it, and the fit goes on from an earlier one or starts from the beginning",
            ) from None

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove the checksum first, then the checkpoint."""
        checksum_path(Path(path)).unlink(missing_ok=True)
        Path(path).unlink(missing_ok=True)


class BackgroundCheckpointIO(DurableCheckpointIO):
    """The same while the fit goes on: its state is copied at once, a thread writes the copy and waits for the disk.

    One checkpoint is written at a time: the next save waits for it. What went wrong is raised then, or at the end.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._tasks: list[Future[None]] = []

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Copy the state, and begin to write it."""
        self.wait()
        self.in_turn(_publish, Path(path), *_serialise(checkpoint))

    def in_turn(self, task: Callable[..., None], *arguments: Any) -> None:
        """Do something when the checkpoints saved so far are on the disk; nothing if that failed."""
        before = tuple(self._tasks)

        def run() -> None:
            if not any(task.exception() for task in before):
                task(*arguments)

        self._tasks.append(self._thread.submit(run))

    def wait(self) -> None:
        """Return when all is on the disk. Raises UserError where it could not be written."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.result()

    def teardown(self) -> None:
        """The end of the fit, by whatever cause: as `wait`."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()


def _serialise(checkpoint: dict[str, Any]) -> tuple[memoryview, list[str]]:
    """The checkpoint as bytes, and the lines of its checksum's file that speak of other files."""
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    history = checkpoint.get("callbacks", {}).get(History.__qualname__, {})
    best = [f"{history['best_sha256']}  {best_name(history['best_epoch'])}"] if history.get("best_sha256") else []
    return buffer.getbuffer(), best


def _publish(path: Path, content: memoryview, others: list[str]) -> None:
    with publishing(path) as temporary:
        temporary.write_bytes(content)
    publish_text(checksum_path(path), "\n".join([sha256_of(path), *others]) + "\n")


def checksum_path(path: Path) -> Path:
    """Where the checksum of the checkpoint at `path` is."""
    return path.with_name(path.name + ".sha256")


def find_newest_valid(folder: Path) -> Path | None:
    """The checkpoint of the highest chunk whose checksums hold: its own, and that of the best weights it speaks of.

    Damaged ones are named in the log and passed over, and so are those that the system does not let be read. Where it
    lets none be read, its error is raised: a fit must not start from the beginning because a disk was away.
    """
    fault: SystemFault | None = None
    for path in sorted(folder.glob("chunk-*.ckpt"), reverse=True):
        try:
            if _is_valid(path):
                return path
            log.warning("%s: checkpoint is incomplete or damaged; an earlier one is used", path)
        except SystemFault as error:
            fault = error
            log.warning("%s: checkpoint %s; an earlier one is used", path, error.what)
    if fault is not None:
        raise fault
    return None


def _is_valid(path: Path) -> bool:
    try:
        own, *others = read_text(checksum_path(path), 10_000).splitlines()
        checksums = {name: checksum for checksum, name in (line.split("  ") for line in others)} | {path.name: own}
        if any(name != path.name and not BEST_NAME.fullmatch(name) for name in checksums):
            return False
        return all(sha256_of(path.with_name(name)) == digest for name, digest in checksums.items())
    except SystemFault:
        raise
    except (OSError, ValueError, UserError):
        return False


def chunk_number(path: Path) -> int:
    """Chunks that were done when the checkpoint was saved."""
    return int(path.stem.removeprefix("chunk-"))


def forget_checkpoints(folder: Path) -> None:
    """Remove what only an unfinished fit needs."""
    for pattern in ("chunk-*.ckpt*", "best-*.safetensors"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)


class Checkpointing(pl.Callback):
    """Saves the fit's whole state at the end of a chunk when `seconds` have passed since the last time, or on SIGTERM.

    SIGTERM, which batch systems send before they kill, ends the fit after the chunk in hand. Lightning's own handler
    would leave with exit code 0 before anything is saved, so it is replaced while the fit runs.

    A fit that stops early is not saved at its last chunk: it ends there, and a fit that went on from such a
    checkpoint would learn further than one that was never killed. So the decision to stop must have been made before
    this callback's turn: at the end of a validation (`fit._early_stopping`).

    `ended_on_request`: the fit was asked to stop, saved its state, and has more chunks to do.

    Several workers save when it is time by the clock of rank 0, or when any was asked to stop, all at the same chunk.
    """

    def __init__(self, folder: Path, seconds: float, history: History, io: BackgroundCheckpointIO):
        self.folder, self.seconds, self.history, self.io = folder, seconds, history, io
        self.stop_requested = self.ended_on_request = False
        self._last = time.monotonic()
        self._best: dict[Path, Path] = {}  # the best weights that each checkpoint of this process speaks of

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Replace Lightning's handler of SIGTERM."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._request_stop)  # Lightning puts back what was there before the fit

    def _request_stop(self, *_: object) -> None:
        self.stop_requested = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Save the state where it is due or SIGTERM came, and end the fit in the second case."""
        if trainer.should_stop:
            return
        context = pl_module.context
        requested = self.stop_requested or (context.is_rank_zero and context.stop_requested())
        due = context.is_rank_zero and time.monotonic() - self._last >= self.seconds
        self.stop_requested, due = (
            context.any(requested, due, device=pl_module.device) if context.size > 1 else (requested, due)
        )
        if self.stop_requested or due:
            path = self.folder / f"chunk-{pl_module.chunks_done:09d}.ckpt"
            trainer.save_checkpoint(path)
            self._best[path] = self.history.best_weights()
            if context.is_rank_zero:
                self.io.in_turn(self._prune, dict(self._best))
            self._last = time.monotonic()
        trainer.should_stop = self.ended_on_request = self.stop_requested

    def _prune(self, best: dict[Path, Path]) -> None:
        """Drop checkpoints but the newest, and best weights of which neither they nor the fit speak.

        best: the best weights that each checkpoint of this process speaks of. The fit may find better ones meanwhile:
        it says so before it publishes them, and here the folder is looked at before the fit is asked.
        """
        *old, _ = sorted(self.folder.glob("chunk-*.ckpt"))
        for path in old[: -(KEEP - 1)]:
            self.io.remove_checkpoint(path)
        remaining = sorted(self.folder.glob("chunk-*.ckpt"))
        if all(path in best for path in remaining):
            published = list(self.folder.glob("best-*.safetensors"))
            needed = {best[path] for path in remaining} | {self.history.best_weights()}
            for path in published:
                if path not in needed:
                    path.unlink(missing_ok=True)
