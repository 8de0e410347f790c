"""The windows of a streamed epoch: which rows of which shards a worker reads, and in which order they come.

The split is cut into R regions, contiguous ranges of equal length; sample i of an epoch comes from region i mod R. A
region is a stream: its blocks in an order drawn for the epoch, one after another. A window is the next rows of all
streams, as many of each, which are cut into stripes, one for each partition; a partition's rows are shuffled within its
stripe. Workers read whole regions where there are enough of them, else stripes of one. Where rows are not shuffled each
partition is a region, and its stream is in the order of the files.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from bevatron.store.readers.blocks import Block, blocks_between
from bevatron.store.readers.order import order_of
from bevatron.store.readers.partitions import Part, Partitions, interleave
from bevatron.store.readers.split import ReadingOrder


class ShuffleWindow(NamedTuple):
    """Samples `first` to first + size of an epoch.

    blocks: what the part reads of it, in this order. offsets: where each of the part's partitions begins in the rows
    read, by rising number.
    """

    number: int
    first: int
    size: int
    blocks: list[Block]
    offsets: list[int]


class WindowPlan:
    """How the epochs of a split are cut into windows, of which a reader delivers one part."""

    def __init__(self, shard_rows: Sequence[int], order: ReadingOrder, part: Part):
        assert order.block_rows is not None  # as the split is streamed
        self.n, self.count, self.part = sum(shard_rows), order.partitions, part
        self.rows = max(1, order.block_rows * order.buffer_blocks // self.count) * self.count
        self.n_windows = -(-self.n // self.rows)
        self.own = part.partitions(self.count)
        fitting = min(self.count, order.buffer_blocks)
        self._n_regions = next(r for r in range(fitting, 0, -1) if self.count % r == 0)
        self._shuffled = self._regions(shard_rows, self._n_regions, order.block_rows)
        self._in_file_order = self._regions(shard_rows, self.count, None)

    def part_rows(self) -> int:
        """Rows of the part in a window, at most."""
        largest = Partitions(min(self.rows, self.n), self.count)
        return sum(map(largest.size, self.own))

    def windows(self, seed: int, epoch: int, shuffle: bool, first: int = 0) -> Iterator[ShuffleWindow]:
        """The epoch's windows from number `first` on."""
        streams = dict(self._shuffled if shuffle else self._in_file_order)
        if shuffle:
            for region, blocks in streams.items():
                streams[region] = [blocks[i] for i in order_of(len(blocks), seed, epoch, "blocks", region).tolist()]
        ends = {region: list(accumulate(block.rows for block in blocks)) for region, blocks in streams.items()}
        n_regions = self._n_regions if shuffle else self.count
        stripes = {region: [p // n_regions for p in self.own if p % n_regions == region] for region in streams}
        for number in range(first, self.n_windows):
            begin, size = number * self.rows, min(self.rows, self.n - number * self.rows)
            blocks: list[Block] = []
            offsets, at = {}, 0
            for region, own in stripes.items():
                within = Partitions(Partitions(size, n_regions).size(region), self.count // n_regions)
                for stripe, offset in zip(own, within.offsets(own), strict=True):
                    offsets[region + n_regions * stripe] = at + offset
                for start, stop in within.ranges(own):
                    done = begin // n_regions
                    blocks += _rows_of(streams[region], ends[region], done + start, done + stop)
                    at += stop - start
            yield ShuffleWindow(number, begin, size, blocks, [offsets[p] for p in self.own])

    def order(self, window: ShuffleWindow, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
        """The part's samples of the window, (n,) int64, as rows of what was read of it."""
        sizes = map(Partitions(window.size, self.count).size, self.own)
        orders = [
            offset + (order_of(size, seed, epoch, window.number, p) if shuffle else np.arange(size))
            for p, size, offset in zip(self.own, sizes, window.offsets, strict=True)
        ]
        return interleave(orders, self.part.shifted(window.first), self.count)

    def _regions(self, shard_rows: Sequence[int], count: int, block_rows: int | None) -> dict[int, list[Block]]:
        """The blocks of the regions, of `count`, that the part needs."""
        regions, needed = Partitions(self.n, count), sorted({p % count for p in self.own})
        bounds = {region: (regions.starts[region], regions.starts[region] + regions.size(region)) for region in needed}
        return {region: blocks_between(shard_rows, *bound, block_rows) for region, bound in bounds.items()}


def _rows_of(stream: Sequence[Block], ends: Sequence[int], start: int, stop: int) -> list[Block]:
    """Rows start to stop of a stream of blocks, of which `ends` counts the rows up to each."""
    found: list[Block] = []
    number = bisect_right(ends, start)
    while start < stop:
        block = stream[number]
        skip = start - ends[number] + block.rows
        rows = min(block.rows - skip, stop - start)
        piece = Block(block.shard, block.start + skip, block.start + skip + rows)
        if found and (found[-1].shard, found[-1].stop) == (piece.shard, piece.start):
            piece = Block(piece.shard, found.pop().start, piece.stop)
        found.append(piece)
        start, number = start + rows, number + 1
    return found
