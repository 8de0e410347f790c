"""The resident reader: a split, or a worker's part of it, in memory; batches by index selection into reused memory."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bevatron.errors import UserError
from bevatron.store.readers.batch import cut
from bevatron.store.readers.blocks import Block, blocks_between
from bevatron.store.readers.order import order_of
from bevatron.store.readers.partitions import WHOLE, Part, Partitions, interleave, partition_count
from bevatron.store.readers.prefetch import OpenShards
from bevatron.store.readers.reader import Batch, Reader
from bevatron.store.readers.sampling import PLAIN, Sampling
from bevatron.store.readers.split import ReadingOrder, Split
from bevatron.store.readers.table import SampleTable

MOST_AT_ONCE, BYTES_AT_ONCE = 16, 64e6  # batches that are gathered together on a GPU


class ResidentReader(Reader):
    """Reads its part of the split once, straight into the tensors it keeps on `device`; no worker processes."""

    def __init__(
        self,
        split: Split,
        batch_size: int | Literal["full"],
        device: str = "cpu",
        part: Part = WHOLE,
        partitions: int = 1,
    ):
        order = ReadingOrder(partitions=partition_count(len(split), partitions))
        super().__init__(split, batch_size, order, part)
        self._partitions = Partitions(len(split), order.partitions)
        self._own = part.partitions(order.partitions)
        self._full_batch = batch_size == "full" and part.of * len(self._own) == order.partitions
        self._device = torch.device(device)
        self._numbers: dict[str, np.ndarray] = {}
        self._lengths: dict[Sampling, int] = {}
        self._loaded: SampleTable | None = load_rows(split, self._partitions.ranges(self._own))  # None: closed
        if self._device.type != "cpu":
            self._loaded.to(self._device)
        batch_bytes = self.batch_size * split.bytes / max(1, len(split))
        self._at_once = max(1, min(MOST_AT_ONCE, int(BYTES_AT_ONCE / max(1.0, batch_bytes / part.of))))

    def epoch_samples(self, sampling: Sampling = PLAIN) -> int:
        """Samples in an epoch: each once, unless `sampling` says otherwise."""
        if sampling not in self._lengths:
            self._lengths[sampling] = sampling.length(self.n_samples, self._class_numbers(sampling))
        return self._lengths[sampling]

    def epoch(
        self, seed: int, epoch: int, *, shuffle: bool = True, start: int = 0, sampling: Sampling = PLAIN
    ) -> Iterator[Batch]:
        """As the interface says; a 'full' batch of a plain sampling is the part itself, in file order."""
        if self._full_batch and not sampling.words:
            if start < self.n_samples:
                yield self._table.whole()
            return
        order, length = self._order(seed, epoch, shuffle, sampling)
        rows, sizes = torch.from_numpy(order[self.part.before(start) :]), self._sizes(start, length)
        if self._device.type != "cpu":
            yield from self._on_device(rows, sizes)
            return
        for selected in rows.split(sizes):
            buffers = self._next_buffers(self._table)
            self._table.gather(selected, buffers, 0)
            yield self._table.batch(buffers, len(selected))

    def resident_values(self, group: str) -> Tensor | None:
        """As the interface says."""
        return self._table.group_values(group)

    def _order(self, seed: int, epoch: int, shuffle: bool, sampling: Sampling) -> tuple[np.ndarray, int]:
        """The rows of the table in the order in which the part's samples of an epoch come, (n,) int64, and how many
        samples the epoch has over all parts.
        """
        if sampling.words:
            if len(self._own) < self._partitions.count:
                raise ValueError(f"{' and '.join(sampling.words)} needs the whole split: open it with one partition")
            rows = sampling.rows(self.n_samples, self._class_numbers(sampling), seed, epoch, shuffle)
            return rows[self.part.number :: self.part.of], len(rows)
        offsets = self._partitions.offsets(self._own)
        orders = [
            offset + (order_of(size, seed, epoch, p) if shuffle else np.arange(size))
            for p, size, offset in zip(self._own, map(self._partitions.size, self._own), offsets, strict=True)
        ]
        return interleave(orders, self.part, self._partitions.count), self.n_samples

    def _sizes(self, start: int, length: int) -> list[int]:
        """Rows of the part in each batch of an epoch of `length` samples, behind the first `start`."""
        ends = [*range(start, length, self.batch_size), max(start, length)]
        before = [self.part.before(end) for end in ends]
        return [after - until for until, after in pairwise(before)]

    def _on_device(self, rows: Tensor, sizes: list[int]) -> Iterator[Batch]:
        """Batches of these sizes, some gathered at once: a GPU has copied a batch sooner than it has been told to. Each
        is in memory of its own.
        """
        on_device, at = rows.to(self._device), 0
        for first in range(0, len(sizes), self._at_once):
            subset = sizes[first : first + self._at_once]
            known, selected = (r[at : at + sum(subset)] for r in (rows, on_device))
            buffers = self._table.buffers(len(known))
            self._table.gather(selected, buffers, 0, known)
            yield from cut(self._table.batch(buffers, len(known)), subset, self._table.elements(known, subset))
            at += len(known)

    def close(self) -> None:
        """Lets go of the split's memory."""
        super().close()
        self._loaded = None

    @property
    def _table(self) -> SampleTable:
        if self._loaded is None:
            raise RuntimeError("this reader was closed")
        return self._loaded

    def _class_numbers(self, sampling: Sampling) -> np.ndarray | None:
        target = sampling.classes if sampling.words else None
        if target is None:
            return None
        if target not in self._numbers:
            if target not in self.split.selection.targets:
                known = ", ".join(self.split.selection.targets) or "none"
                raise UserError(self.split.folder, f"has no target '{target}' of class numbers", f"read: {known}")
            self._numbers[target] = self._table.target(target).cpu().numpy()
        return self._numbers[target]


def load_rows(split: Split, ranges: list[tuple[int, int]]) -> SampleTable:
    """A table with the rows of the split in these ranges (first, last excluded), one range after another."""
    shard_rows = [entry.samples for entry in split.entries]
    blocks = [block for start, stop in ranges for block in blocks_between(shard_rows, start, stop)]
    shards = OpenShards(split)
    try:
        rows, elements = sum(block.rows for block in blocks), count_elements(split, blocks, shards)
        table = SampleTable(split.selection, split.manifest, rows, elements)
        at = 0
        for block in blocks:
            table.load(shards[block.shard], block.start, block.stop, at)
            at += block.rows
    finally:
        shards.close()
    return table


def count_elements(split: Split, blocks: list[Block], shards: OpenShards) -> dict[str, int]:
    """Elements of each group of lists or sparse images in the blocks, by its path: what the table must hold."""
    counts = dict.fromkeys(split.elements, 0)
    bounds = np.empty(1, np.int64), np.empty(1, np.int64)
    for block in blocks:
        entry = split.entries[block.shard]
        for path in counts:
            if block.rows == entry.samples:
                counts[path] += entry.elements[path.removeprefix("inputs/")]
                continue
            for row, bound in zip((block.start, block.stop), bounds, strict=True):
                shards[block.shard].read_into(f"{path}/offsets", row, row + 1, bound)
            counts[path] += int(bounds[1][0] - bounds[0][0])
    return counts
