"""The resident reader: a whole split in memory, batches by index selection into reused memory."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bevatron.errors import UserError
from bevatron.store.files.verify import check_shard
from bevatron.store.readers.batch import cut
from bevatron.store.readers.reader import WHOLE, Batch, Part, Reader
from bevatron.store.readers.sampling import PLAIN, Sampling
from bevatron.store.readers.split import ReadingOrder, Split
from bevatron.store.readers.table import SampleTable
from bevatron.store.shards.shard import Shard

MOST_AT_ONCE, BYTES_AT_ONCE = 16, 64e6  # batches that are gathered together on a GPU


class ResidentReader(Reader):
    """Reads the split once, straight into the tensors it keeps on `device`; no worker processes."""

    def __init__(self, split: Split, batch_size: int | Literal["full"], device: str = "cpu", part: Part = WHOLE):
        super().__init__(split, batch_size, part)
        self._whole = batch_size == "full" and part.of == 1
        table = SampleTable(split.selection, split.manifest, len(split), split.elements)
        self._loaded: SampleTable | None = table  # None: closed
        self._device = torch.device(device)
        self._numbers: dict[str, np.ndarray] = {}
        self._lengths: dict[Sampling, int] = {}
        at = 0
        for entry in split.entries:
            path = split.folder / entry.file
            check_shard(path, entry, split.manifest)
            with Shard(path) as shard:
                table.load(shard, 0, entry.samples, at)
            at += entry.samples
        if self._device.type != "cpu":
            table.to(self._device)
        batch_bytes = self.batch_size * split.bytes / max(1, len(split))
        self._at_once = max(1, min(MOST_AT_ONCE, int(BYTES_AT_ONCE / max(1.0, batch_bytes))))

    def epoch_samples(self, sampling: Sampling = PLAIN) -> int:
        """Samples in an epoch: each once, unless `sampling` says otherwise."""
        if sampling not in self._lengths:
            self._lengths[sampling] = sampling.length(self.n_samples, self._class_numbers(sampling))
        return self._lengths[sampling]

    @property
    def order(self) -> str:
        """As the interface says: the same for every split that is kept in memory."""
        return str(ReadingOrder())

    def epoch(
        self, seed: int, epoch: int, *, shuffle: bool = True, start: int = 0, sampling: Sampling = PLAIN
    ) -> Iterator[Batch]:
        """As the interface says; whole 'full' batches of a plain sampling are the split itself, in file order."""
        if self._whole and not sampling.words:
            if start < self.n_samples:
                yield self._table.whole()
            return
        order = sampling.rows(self.n_samples, self._class_numbers(sampling), seed, epoch, shuffle)
        rows = torch.from_numpy(order[start:])
        parts = [whole[self.part.number :: self.part.of] for whole in rows.split(self.batch_size) if len(rows)]
        if self._device.type != "cpu":
            whole = self.part.of == 1 or not parts
            yield from self._on_device(rows if whole else torch.cat(parts), [len(part) for part in parts])
            return
        for part in parts:
            buffers = self._next_buffers(self._table)
            self._table.gather(part, buffers, 0)
            yield self._table.batch(buffers, len(part))

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
