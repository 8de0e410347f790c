"""Whether a sample id repeats in a dataset of any size, with memory that does not grow with it: an external sort.

Ids are collected, a run at a time, sorted, and laid in a nameless temporary file; at the end the runs are read side by
side, a range of ids after the other (Knuth, The Art of Computer Programming, vol. 3, sec. 5.4). It takes 8 bytes of
disk for each sample of a dataset that is larger than one run, and nothing is left of it when the process is killed.
"""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.store.files.publish import machine_fault
from bevatron.store.shards.check import first_repeated, repeated_in_order

RUN = 1 << 21  # ids of a run, 16 MB
BLOCK = 1 << 13  # ids read at a time from each run; the first of each stays in memory
RANGE = 128  # blocks whose ids are compared at a time, and up to one more of each run
ITEM = np.dtype(np.uint64).itemsize


@dataclass
class Run:
    """Ids of some shards, sorted, at a place of the file; where it was read up to."""

    shards: list[tuple[str, int, int]]  # name, smallest and largest id
    start: int
    length: int
    firsts: np.ndarray  # the first id of each block
    n_read: int = 0
    remainder: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))


class DistinctIds:
    """Takes the ids of one shard after the other, and raises UserError, naming both shards, where one repeats.

    folder: where the shards are, and the temporary file; read_ids: reads a shard's ids again, by its name.
    """

    def __init__(self, folder: Path, read_ids: Callable[[str], np.ndarray], run: int = RUN, block: int = BLOCK):
        self.folder, self._read_ids, self._run, self._block = Path(folder), read_ids, run, block
        self._waiting: list[tuple[str, np.ndarray]] = []
        self._n_waiting = 0
        self._runs: list[Run] = []
        self._file: Any = None

    def add(self, name: str, ids: np.ndarray) -> None:
        """The ids (n,) uint64 of the shard `name`, in which none repeats."""
        if len(ids):
            self._waiting.append((name, ids))
            self._n_waiting += len(ids)
        if self._n_waiting >= self._run:
            self._store(self._sort_ids())

    def finish(self) -> None:
        """Raises UserError where an id of one shard stands in another."""
        if not self._waiting and not self._runs:
            return
        last = self._sort_ids()
        if not self._runs:
            return
        self._store(last)
        with self._machine_faults():
            for ids, runs in self._ranges():
                if repeated := first_repeated(ids):
                    self._reject(repeated[0], [shard for run in runs(repeated[0]) for shard in run.shards])

    def close(self) -> None:
        """Closes the temporary file, with which it is gone."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> "DistinctIds":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _sort_ids(self) -> np.ndarray:
        ids = np.concatenate([np.zeros(0, np.uint64), *(ids for _, ids in self._waiting)])
        ids.sort()
        if repeated := repeated_in_order(ids):
            self._reject(repeated[0], self._shards_waiting())
        return ids

    def _shards_waiting(self) -> list[tuple[str, int, int]]:
        return [(name, int(ids.min()), int(ids.max())) for name, ids in self._waiting]

    def _store(self, ids: np.ndarray) -> None:
        with self._machine_faults():
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self.folder, prefix=".ids.", buffering=0)  # noqa: SIM115  (open as long as the search)
            start = sum(run.length for run in self._runs)
            left = ids.data.cast("B")
            while len(left):
                left = left[self._file.write(left) :]
        self._runs.append(Run(self._shards_waiting(), start, len(ids), ids[:: self._block].copy()))
        self._waiting, self._n_waiting = [], 0

    def _ranges(self) -> Iterator[tuple[np.ndarray, Callable[[int], list[Run]]]]:
        """All ids, a range after the other, and the runs that hold one of them."""
        firsts = np.sort(np.concatenate([run.firsts for run in self._runs]))
        for bound in [*firsts[RANGE::RANGE].tolist(), None]:
            parts = [self._take_below(run, bound) for run in self._runs]

            def holding(number: int, parts: list[np.ndarray] = parts) -> list[Run]:
                return [run for run, part in zip(self._runs, parts, strict=True) if (part == np.uint64(number)).any()]

            yield np.concatenate(parts), holding

    def _take_below(self, run: Run, bound: int | None) -> np.ndarray:
        """The next ids of a run, those smaller than `bound`."""
        parts = [run.remainder]
        while run.n_read < run.length and (bound is None or not len(parts[-1]) or parts[-1][-1] < np.uint64(bound)):
            count = min(self._block, run.length - run.n_read)
            parts.append(self._read(run.start + run.n_read, count))
            run.n_read += count
        ids = np.concatenate(parts)
        cut = len(ids) if bound is None else int(np.searchsorted(ids, np.uint64(bound)))
        run.remainder = ids[cut:].copy()
        return ids[:cut]

    def _read(self, first: int, count: int) -> np.ndarray:
        content = os.pread(self._file.fileno(), count * ITEM, first * ITEM)
        if len(content) != count * ITEM:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return np.frombuffer(content, np.uint64)

    def _reject(self, number: int, shards: list[tuple[str, int, int]]) -> None:
        """Looks which two of `shards` hold the id: only they are read again."""
        candidates = (name for name, low, high in shards if low <= number <= high)
        holding = (name for name in candidates if (self._read_ids(name) == np.uint64(number)).any())
        earlier, later = next(holding, None), next(holding, None)
        if later is None:
            raise UserError(self.folder, "its shards were changed while they were read", "run the same command again")
        raise UserError(
            self.folder / later,
            f"the sample id {number} is also in {earlier}",
            "run the prepare stage again; if the id still repeats, fix the source or recipe that gives it twice",
        )

    @contextmanager
    def _machine_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise machine_fault(error, self.folder) or error from error
