"""The streaming reader: large contiguous blocks, read ahead by one thread, shuffled inside a buffer of
several.

An epoch permutes the split's blocks and deals them into windows of `buffer_blocks`. While batches are
gathered from one window in a permuted order, the thread fills the next (behind the last one, the first of the
following epoch), so memory holds two windows whatever the dataset's size.
Everything follows from (seed, epoch) and the sizes of block and window, so a position in an epoch is a number
of samples, and windows before it need not be read.
"""

import logging
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from bevatron.store.readers.order import order_of
from bevatron.store.readers.prefetch import Block, OpenShards, Prefetch
from bevatron.store.readers.reader import WHOLE, Batch, Part, Reader
from bevatron.store.readers.sampling import PLAIN, Sampling
from bevatron.store.readers.split import WINDOWS, ReadingOrder, Split, streamed_block_rows
from bevatron.store.readers.table import SampleTable

log = logging.getLogger("bevatron")


class ShuffleWindow(NamedTuple):
    """Blocks that are shuffled together; `number` counts the epoch's windows."""

    number: int
    blocks: list[Block]
    size: int
    skip: int


class StreamingReader(Reader):
    """Reads a split that memory does not hold."""

    def __init__(
        self,
        split: Split,
        batch_size: int,
        block_rows: int,
        buffer_blocks: int,
        memory_budget_bytes: float,
        part: Part = WHOLE,
    ):
        super().__init__(split, batch_size, part)
        self._buffer_blocks = buffer_blocks
        self._block_rows = streamed_block_rows(split, memory_budget_bytes, block_rows, buffer_blocks)
        self._order = ReadingOrder(self._block_rows, buffer_blocks)
        if 3 * self._block_rows < 2 * block_rows:  # less than what whole chunks take away
            rows = self._block_rows
            log.info("blocks of %d instead of %d samples, to keep within the memory budget", rows, block_rows)
        self._blocks = [
            Block(number, start, min(start + self._block_rows, entry.samples))
            for number, entry in enumerate(split.entries)
            for start in range(0, entry.samples, self._block_rows)
        ]
        self._shards = OpenShards(split)
        self._tables: list[SampleTable] = []
        self._prefetch: Prefetch | None = None
        self._ahead: list[Block] | None = None

    @property
    def order(self) -> str:
        """As the interface says: it depends on the sizes of blocks and windows."""
        return str(self._order)

    def epoch(
        self, seed: int, epoch: int, *, shuffle: bool = True, start: int = 0, sampling: Sampling = PLAIN
    ) -> Iterator[Batch]:
        """As the interface says; UserError for any sampling but the plain one."""
        self._reject(sampling)
        return self._batches(seed, epoch, shuffle, start)

    def close(self) -> None:
        """Ends the thread, and lets go of open shards and memory."""
        super().close()
        if self._prefetch is not None:
            self._prefetch.close()
        self._prefetch = self._ahead = None
        self._shards.close()
        self._tables = []

    def _batches(self, seed: int, epoch: int, shuffle: bool, start: int) -> Iterator[Batch]:
        windows = self._windows(seed, epoch, shuffle, start)
        if not windows:
            return
        following = self._windows(seed, epoch + 1, shuffle, 0)
        prefetch, ahead = self._reading(windows)
        for window in [*windows[ahead:], following[0]]:
            prefetch.ask(window.blocks)
        left = sum(window.size - window.skip for window in windows)
        try:
            buffers, filled, of_part = None, 0, 0  # rows of the batch so far, and those of this part
            for window in windows:
                table, n = prefetch.next_filled(), window.size
                order = order_of(n, seed, epoch, window.number) if shuffle else np.arange(n)
                for rows in _cut(torch.from_numpy(order[window.skip :]), self.batch_size, filled):
                    buffers = buffers or self._next_buffers(table)
                    fraction = (
                        rows if self.part.of == 1 else rows[(self.part.number - filled) % self.part.of :: self.part.of]
                    )
                    table.gather(fraction, buffers, of_part)
                    filled, of_part = filled + len(rows), of_part + len(fraction)
                    left -= len(rows)
                    if left == 0:  # told before the last batch, which a caller may not look behind
                        prefetch.release(table)
                        self._ahead = following[0].blocks
                    if filled == self.batch_size or left == 0:
                        yield table.batch(buffers, of_part)
                        buffers, filled, of_part = None, 0, 0
                if left:
                    prefetch.release(table)
        finally:
            if left:
                prefetch.close()

    def _reading(self, windows: list[ShuffleWindow]) -> tuple[Prefetch, int]:
        """The thread that reads, and how many of `windows` the epoch before has asked it for already."""
        ahead, self._ahead = self._ahead, None
        if self._prefetch is not None and ahead is not None and ahead == windows[0].blocks:
            return self._prefetch, 1
        if self._prefetch is not None:
            self._prefetch.close()
        if not self._tables:
            rows = min(self._buffer_blocks * self._block_rows, self.n_samples)
            split = self.split
            self._tables = [SampleTable(split.selection, split.manifest, rows) for _ in range(WINDOWS)]
        self._prefetch = Prefetch(self._tables, self._shards)
        return self._prefetch, 0

    def _windows(self, seed: int, epoch: int, shuffle: bool, start: int) -> list[ShuffleWindow]:
        """The epoch's windows that hold anything behind the first `start` samples."""
        n = len(self._blocks)
        order = order_of(n, seed, epoch, "blocks").tolist() if shuffle else range(n)
        windows, before = [], 0
        for number, first in enumerate(range(0, n, self._buffer_blocks)):
            # In file order within a window: the disk likes it, and the shuffling is done in memory.
            blocks = sorted(self._blocks[i] for i in order[first : first + self._buffer_blocks])
            size = sum(block.stop - block.start for block in blocks)
            if start < before + size:
                windows.append(ShuffleWindow(number, blocks, size, max(0, start - before)))
            before += size
        return windows


def _cut(rows: torch.Tensor, size: int, filled: int) -> list[torch.Tensor]:
    """`rows` in pieces of `size`, the first one shorter by the `filled` that its batch has already."""
    first = min(size - filled, len(rows))
    return [rows[:first], *(rows[first:].split(size) if first < len(rows) else ())]
