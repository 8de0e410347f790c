"""The streaming reader: large contiguous blocks, read ahead by one thread, shuffled inside a buffer of several.

An epoch permutes the split's blocks and deals them into windows of `buffer_blocks`. While batches are gathered from
one window in a permuted order, the thread fills the next, so memory holds two windows whatever the dataset's size.
Everything follows from (seed, epoch) and the sizes of block and window, so a position in an epoch is a number of
samples, and windows before it need not be read.
"""

import logging
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from bevatron.store.order import order_of
from bevatron.store.prefetch import OpenShards, Prefetch
from bevatron.store.reader import Batch, Reader, Split
from bevatron.store.shard import Shard
from bevatron.store.table import Table

WINDOWS = 2  # one is delivered while the next is filled

log = logging.getLogger("bevatron")


class Block(NamedTuple):
    """Contiguous rows of one shard."""

    shard: int
    start: int
    stop: int


class Window(NamedTuple):
    """Blocks that are shuffled together; `number` counts the epoch's windows."""

    number: int
    blocks: list[Block]
    size: int
    skip: int


class StreamingReader(Reader):
    """Reads a split that memory does not hold."""

    def __init__(
        self, split: Split, batch_size: int, block_rows: int, buffer_blocks: int, memory_budget_bytes: float
    ):
        super().__init__(split, batch_size)
        self._buffer_blocks = buffer_blocks
        self._block_rows = self._rows_of_a_block(block_rows, memory_budget_bytes)
        self._blocks = [
            Block(number, start, min(start + self._block_rows, entry.samples))
            for number, entry in enumerate(split.entries)
            for start in range(0, entry.samples, self._block_rows)
        ]
        self._shards = OpenShards(split)
        self._tables: list[Table] = []
        self._prefetch: Prefetch | None = None

    def epoch(
        self, seed: int, epoch: int, *, shuffle: bool = True, start: int = 0, balance: str | None = None
    ) -> Iterator[Batch]:
        if balance is not None:
            self._refuse_balance()
        return self._batches(self._windows(seed, epoch, shuffle, start), seed, epoch, shuffle)

    def close(self) -> None:
        super().close()
        if self._prefetch is not None:
            self._prefetch.close()
        self._shards.close()
        self._tables = []

    def _batches(self, windows: list[Window], seed: int, epoch: int, shuffle: bool) -> Iterator[Batch]:
        if self._prefetch is not None:
            self._prefetch.close()
        if not self._tables and windows:
            rows = min(self._buffer_blocks * self._block_rows, self.n_samples)
            split = self.split
            self._tables = [Table(split.selection, split.manifest, rows) for _ in range(WINDOWS)]
        prefetch = self._prefetch = Prefetch([w.blocks for w in windows], self._tables, self._shards)
        try:
            slot, filled = None, 0
            for window in windows:
                table = prefetch.filled()
                order = order_of(window.size, seed, epoch, window.number) if shuffle else np.arange(window.size)
                rows, at = torch.from_numpy(order), window.skip
                while at < window.size:
                    slot = slot or self._slot(table)
                    take = min(self.batch_size - filled, window.size - at)
                    table.gather(rows[at : at + take], slot, filled)
                    at, filled = at + take, filled + take
                    if filled == self.batch_size:
                        yield table.batch(slot, filled)
                        slot, filled = None, 0
                prefetch.release(table)
            if filled:
                yield self._tables[0].batch(slot, filled)
        finally:
            prefetch.close()

    def _windows(self, seed: int, epoch: int, shuffle: bool, start: int) -> list[Window]:
        """The epoch's windows that hold anything behind the first `start` samples."""
        n = len(self._blocks)
        order = order_of(n, seed, epoch, "blocks").tolist() if shuffle else range(n)
        windows, before = [], 0
        for number, first in enumerate(range(0, n, self._buffer_blocks)):
            # In file order within a window: the disk likes it, and the shuffling is done in memory.
            blocks = sorted(self._blocks[i] for i in order[first : first + self._buffer_blocks])
            size = sum(block.stop - block.start for block in blocks)
            if start < before + size:
                windows.append(Window(number, blocks, size, max(0, start - before)))
            before += size
        return windows

    def _rows_of_a_block(self, wanted: int, budget: float) -> int:
        """About `wanted` rows: fewer where two windows would not fit into memory, else whole chunks of the files."""
        row_bytes = self.split.bytes / max(1, self.n_samples)
        fit = max(1, int(budget / (WINDOWS * self._buffer_blocks * row_bytes))) if row_bytes else wanted
        if fit < wanted:
            log.info("blocks of %d instead of %d samples, to keep within the memory budget", fit, wanted)
            wanted = fit
        with Shard(self.split.folder / self.split.entries[0].file) as shard:
            chunks = [shard.dataset(name).chunks for name in self.split.selection.datasets()]
        rows = max((chunk[0] for chunk in chunks if chunk and chunk[0] <= wanted), default=1)
        return max(1, min(fit // rows, round(wanted / rows))) * rows
