"""Reading a split in batches: the interface of both readers, and the choice between them by size."""

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from math import gcd
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from bevatron.errors import UserError
from bevatron.store.readers.partitions import WHOLE, Part
from bevatron.store.readers.sampling import PLAIN, Sampling
from bevatron.store.readers.split import ReadingOrder, Split, reading_order, split_of
from bevatron.store.readers.table import Buffers, SampleTable
from bevatron.store.shards.dataset import Dataset, load_dataset

RING = 4  # batches that stay valid: the memory of one is used again for the fourth after it

Batch = dict[str, Any]
log = logging.getLogger("bevatron")


class Reader(ABC):
    """Batches of one split.

    A batch is a dict: "inputs" by group (a tensor, a RaggedBatch or a SparseBatch), "targets" by name, "id"
    (batch,) int64 with the bits of the uint64 ids, "weight" where the dataset has weights, and where targets of
    elements are read "element_targets" by name, a RaggedBatch with a value for each element of their group. A batch's
    memory is used again: the last 4 batches delivered are valid. One epoch is read at a time.

    Several readers with the parts 0 to n - 1 of n deliver, batch by batch, disjoint fractions of the same batches,
    which do not depend on n; where a batch has fewer rows than n, some fractions are empty. Each reads only the
    canonical partitions of its part (see `partitions`), which `order` counts.
    """

    def __init__(self, split: Split, batch_size: int | Literal["full"], order: ReadingOrder, part: Part = WHOLE):
        self.split, self.part = split, part
        self.n_samples = len(split)
        self.batch_size = self.n_samples if batch_size == "full" else batch_size
        self._reading_order = order
        self._buffers: deque[Buffers] = deque()

    @property
    def order(self) -> str:
        """What the order of samples depends on beside (seed, epoch), in words that differ where it differs."""
        return str(self._reading_order)

    def epoch_samples(self, sampling: Sampling = PLAIN) -> int:
        """Samples in an epoch: each once, unless `sampling` says otherwise."""
        self._reject(sampling)
        return self.n_samples

    def rows_of_batch(self, number: int, sampling: Sampling = PLAIN) -> int:
        """Rows of an epoch's batch `number`, over all parts."""
        return min(self.batch_size, self.epoch_samples(sampling) - number * self.batch_size)

    def n_batches(self, sampling: Sampling = PLAIN) -> int:
        """Batches in an epoch; the last one may be short."""
        return -(-self.epoch_samples(sampling) // self.batch_size)

    @abstractmethod
    def epoch(
        self, seed: int, epoch: int, *, shuffle: bool = True, start: int = 0, sampling: Sampling = PLAIN
    ) -> Iterator[Batch]:
        """The reader's part of every batch.

        Over all parts each sample comes once, in an order that follows from (seed, epoch) alone. Without `shuffle` a
        sample of each partition comes in turn, in file order within it: that of the files where there is one partition.

        `start` samples of the epoch were delivered before: the rest comes, the same as if nothing had
        happened. `sampling` says which samples are used and how they are presented, where it is not all, shuffled.
        """

    def resident_values(self, group: str) -> Tensor | None:
        """The numbers from which the group's batches are gathered: (rows, ...), of lists (total, n_features); no copy.

        None where they are not all in memory (a split that is streamed), and of sparse images.
        """
        return None

    def close(self) -> None:
        """Ends threads and lets go of files and memory."""
        self._buffers.clear()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _next_buffers(self, table: SampleTable) -> Buffers:
        """Memory for the next batch: that of the fourth before it."""
        fraction = -(-self.batch_size // self.part.of)
        buffers = self._buffers.popleft() if len(self._buffers) == RING else table.buffers(fraction)
        self._buffers.append(buffers)
        return buffers

    def _reject(self, sampling: Sampling) -> None:
        """Raises UserError for any sampling but the plain one."""
        if sampling.words:
            raise UserError(
                self.split.folder,
                f"the {self.split.name} split is streamed, in which {' and '.join(sampling.words)} cannot be had",
                "raise data_loading.memory_budget_gb until the split fits, or remove it (training.balance: weights)",
            )


def open_split(
    dataset: Dataset | Path,
    split: str,
    *,
    batch_size: int | Literal["full"],
    groups: list[str] | None = None,
    targets: list[str] | None = None,
    element_targets: Sequence[str] = (),
    memory_budget_bytes: float = 4e9,
    block_rows: int = 16_000,
    buffer_blocks: int = 8,
    device: str = "cpu",
    device_budget_bytes: float = 16e9,
    expected_dataset_digest: str | None = None,
    part: Part = WHOLE,
    partitions: int = 1,
) -> Reader:
    """The reader for a split: resident when its tensors fit into `memory_budget_bytes`, else streaming.

    dataset: one that is loaded, or the path of its manifest, which is then loaded with `expected_dataset_digest`.
    part: of several readers of the same batches, which one this is. partitions: the canonical partitions of the order,
    of which a part needs some only; with one, each part reads the whole split.
    Only `groups` and `targets` are read (default: all), and `element_targets` (default: none). A resident split lies on
    `device` when what is read of it fits into `device_budget_bytes` there; batches lie where the split does, and
    streamed ones in host memory. Raises UserError for an unknown group or target, for a target of elements of a group
    that is not read, and for any shard that does not match the manifest.
    """
    from bevatron.store.readers.resident import ResidentReader
    from bevatron.store.readers.streaming import StreamingReader

    if not isinstance(dataset, Dataset):
        dataset = load_dataset(dataset, expected_dataset_digest)
    selected = split_of(dataset, split, groups, targets, element_targets)
    size = f"{selected.bytes / 1e9:.2f} GB"
    order = reading_order(selected, memory_budget_bytes, block_rows, buffer_blocks, partitions)
    shared_by = gcd(part.of, order.partitions)
    readers = describe_parts(part, shared_by, partitions)
    if not order.is_streamed:
        place = device if device == "cpu" or selected.bytes / shared_by <= device_budget_bytes else "cpu"
        log.info("%s split: %d samples, %s, kept in memory (%s)%s", split, len(selected), size, place, readers)
        return ResidentReader(selected, batch_size, place, part, partitions)
    if batch_size == "full":
        raise UserError(
            dataset.manifest_path,
            f"batch_size 'full' takes the whole {split} split, {size}, over the memory budget of "
            f"{memory_budget_bytes / 1e9:.2f} GB",
            "raise data_loading.memory_budget_gb or set a batch size",
        )
    log.info("%s split: %d samples, %s, streamed from disk%s", split, len(selected), size, readers)
    return StreamingReader(selected, batch_size, block_rows, buffer_blocks, memory_budget_bytes, part, partitions)


def describe_parts(part: Part, shared_by: int, partitions: int) -> str:
    """How much each of several workers reads, and what to do where it is more than need be; '' of one worker."""
    if part.of == 1:
        return ""
    fraction = "all of it" if shared_by == 1 else f"1/{shared_by} of it"
    text = f"; each of {part.of} workers reads {fraction}"
    if shared_by < part.of and partitions % part.of:
        text += f" (1/{part.of} where their number divides data_loading.partitions, {partitions})"
    return text
