"""The streaming reader: large contiguous blocks, read ahead by one thread, shuffled inside a window of several.

While batches are gathered from one window (see `windows`) in a permuted order, the thread fills the next (behind the
last one, the first of the following epoch), so memory holds two windows whatever the dataset's size; of several workers
each holds its own part of them. Everything follows from (seed, epoch) and the sizes of block and window, so a position
in an epoch is a number of samples, and windows before it need not be read.
"""

import logging
from collections.abc import Iterator
from itertools import chain, pairwise

import torch

from bevatron.store.readers.blocks import Block
from bevatron.store.readers.partitions import WHOLE, Part
from bevatron.store.readers.prefetch import OpenShards, Prefetch
from bevatron.store.readers.reader import Batch, Reader
from bevatron.store.readers.sampling import PLAIN, Sampling
from bevatron.store.readers.split import WINDOWS, Split, streaming_order
from bevatron.store.readers.table import SampleTable
from bevatron.store.readers.windows import ShuffleWindow, WindowPlan

log = logging.getLogger("bevatron")


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
        partitions: int = 1,
    ):
        order = streaming_order(split, memory_budget_bytes, block_rows, buffer_blocks, partitions)
        super().__init__(split, batch_size, order, part)
        rows = order.block_rows or 0
        if 3 * rows < 2 * block_rows:  # less than what whole chunks take away
            log.info("blocks of %d instead of %d samples, to keep within the memory budget", rows, block_rows)
        self._plan = WindowPlan([entry.samples for entry in split.entries], order, part)
        self._shards = OpenShards(split)
        self._tables: list[SampleTable] = []
        self._prefetch: Prefetch | None = None
        self._ahead: list[Block] | None = None

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
        n = self.n_samples
        if start >= n:
            return
        windows = self._plan.windows(seed, epoch, shuffle, start // self._plan.rows)
        following = next(self._plan.windows(seed, epoch + 1, shuffle))
        coming = chain(windows, [following])
        current, upcoming = next(coming), next(coming)
        prefetch = self._reading(current)
        prefetch.ask(upcoming.blocks)
        position, end = start, min(start + self.batch_size, n)  # of the samples delivered, and of the batch
        buffers, filled = None, 0  # rows of the batch so far
        try:
            while position < n:
                table, last = prefetch.next_filled(), current.first + current.size
                for rows in self._pieces(current, seed, epoch, shuffle, position, end):
                    buffers = buffers or self._next_buffers(table)
                    table.gather(rows, buffers, filled)
                    filled, position = filled + len(rows), min(end, last)
                    if position == n:  # told before the last batch, which a caller may not look behind
                        prefetch.release(table)
                        self._ahead = following.blocks
                    if position == end:
                        yield table.batch(buffers, filled)
                        buffers, filled, end = None, 0, min(end + self.batch_size, n)
                if position < n:
                    prefetch.release(table)
                    current, upcoming = upcoming, next(coming)
                    prefetch.ask(upcoming.blocks)
        finally:
            if position < n:
                prefetch.close()

    def _pieces(
        self, window: ShuffleWindow, seed: int, epoch: int, shuffle: bool, position: int, end: int
    ) -> tuple[torch.Tensor, ...]:
        """The part's rows of the window from `position` on, cut where batches end, the first one at `end`."""
        last, part = window.first + window.size, self.part
        cuts = [position, *range(end, last, self.batch_size), last]
        before = [part.before(cut) for cut in cuts]
        rows = torch.from_numpy(self._plan.order(window, seed, epoch, shuffle))
        skipped = before[0] - part.before(window.first)
        return rows[skipped:].split([after - until for until, after in pairwise(before)])

    def _reading(self, window: ShuffleWindow) -> Prefetch:
        """The thread that reads, which was asked for the window, perhaps in the epoch before."""
        ahead, self._ahead = self._ahead, None
        if self._prefetch is not None and ahead is not None and ahead == window.blocks:
            return self._prefetch
        if self._prefetch is not None:
            self._prefetch.close()
        if not self._tables:
            split, rows = self.split, self._plan.part_rows()
            self._tables = [SampleTable(split.selection, split.manifest, rows) for _ in range(WINDOWS)]
        self._prefetch = Prefetch(self._tables, self._shards)
        self._prefetch.ask(window.blocks)
        return self._prefetch
