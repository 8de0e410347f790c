"""Samples of a split as torch tensors, and batches gathered from them into memory that is used again.

A table is filled from shards straight into preallocated memory. The resident reader's table holds the whole
split, the streaming reader's a few blocks of it.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bevatron.store.readers.batch import RaggedBatch, SparseBatch
from bevatron.store.shards.contract import ElementTargetInfo, GroupInfo
from bevatron.store.shards.manifest import Manifest
from bevatron.store.shards.shard import Shard

LONG = 64  # elements a sample from which on lists are copied one by one
WIDER = {"uint16": "int32", "uint32": "int64"}  # what torch cannot compute with, and what holds the same numbers


@dataclass(frozen=True)
class Selection:
    """What of a dataset is read: groups, targets, weights where there are any, and targets of the elements of groups
    that are read. Ids always are.
    """

    groups: dict[str, GroupInfo]
    targets: tuple[str, ...]
    weight: bool
    element_targets: dict[str, ElementTargetInfo] = field(default_factory=dict)

    def targets_of_elements(self, group: str) -> dict[str, ElementTargetInfo]:
        """The targets of the elements of the group, by name."""
        return {name: info for name, info in self.element_targets.items() if info.group == group}

    def datasets(self) -> list[str]:
        """Paths of the HDF5 datasets behind the selection."""
        paths = [path for name, info in self.groups.items() for path in _paths(name, info)]
        return [
            *paths,
            *(f"targets/{name}" for name in self.targets),
            *(f"element_targets/{name}" for name in self.element_targets),
            "id",
            *(["weight"] if self.weight else []),
        ]


Buffers = list  # reused memory of one batch: for each column of the table what its `buffer` made


class SampleTable:
    """Memory for `rows` samples and, in cut columns, for `elements[path]` elements, which grows when needed."""

    def __init__(self, selection: Selection, manifest: Manifest, rows: int, elements: dict[str, int] | None = None):
        self.selection, self.rows = selection, rows
        self.columns: dict[str, DenseColumn | RaggedColumn] = {}
        for name, info in selection.groups.items():
            path = f"inputs/{name}"
            if info.layout == "dense":
                self.columns[path] = DenseColumn(path, rows, info.dtype, info.shape)
            else:
                of_elements = selection.targets_of_elements(name)
                self.columns[path] = RaggedColumn(path, rows, info, (elements or {}).get(path, 0), of_elements)
        for name in selection.targets:
            info = manifest.targets[name]
            self.columns[f"targets/{name}"] = DenseColumn(f"targets/{name}", rows, info.dtype, info.shape)
        self.columns["id"] = DenseColumn("id", rows, "uint64", ())
        if selection.weight:
            self.columns["weight"] = DenseColumn("weight", rows, "float32", ())

    def load(self, shard: Shard, start: int, stop: int, at: int) -> None:
        """Rows start to stop of a shard into the rows from `at` on; `at` 0 begins again."""
        for column in self.columns.values():
            column.load(shard, start, stop, at)

    def to(self, device: torch.device) -> None:
        """Moves all columns to `device`; after that no shard is loaded any more."""
        for column in self.columns.values():
            column.to(device)

    def buffers(self, batch_size: int) -> Buffers:
        """Memory for batches of up to `batch_size` samples."""
        return [column.buffer(batch_size) for column in self.columns.values()]

    def gather(self, rows: Tensor, buffers: Buffers, at: int, known: Tensor | None = None) -> None:
        """The samples at `rows` (k,) int64 into rows at to at + k of the buffers; `at` 0 begins a batch.

        Of a table on a GPU `known` is the same in host memory: with it nothing waits for the GPU.
        """
        for column, buffer in zip(self.columns.values(), buffers, strict=True):
            column.gather(rows, buffer, at, known)

    def batch(self, buffers: Buffers, size: int) -> dict:
        """The buffers' first `size` rows as a batch, without a copy."""
        parts = [column.batch(buffer, size) for column, buffer in zip(self.columns.values(), buffers, strict=True)]
        groups, targets = self.selection.groups, self.selection.targets
        batch = {
            "inputs": dict(zip(groups, parts, strict=False)),
            "targets": dict(zip(targets, parts[len(groups) :], strict=False)),
            "id": parts[len(groups) + len(targets)],
        }
        if self.selection.weight:
            batch["weight"] = parts[-1]
        if self.selection.element_targets:
            batch["element_targets"] = self._element_targets(buffers, size)
        return batch

    def _element_targets(self, buffers: Buffers, size: int) -> dict[str, RaggedBatch]:
        found = {}
        for column, buffer in zip(self.columns.values(), buffers, strict=True):
            if isinstance(column, RaggedColumn) and column.targets:
                found |= column.target_batches(buffer, size)
        return {name: found[name] for name in self.selection.element_targets}

    def elements(self, rows: Tensor, sizes: list[int]) -> dict[str, list[int]]:
        """How many elements the first sizes[0] of the `rows` have, the next sizes[1], and so on: by group, of lists and
        sparse images, and by target of elements. `rows` lie in host memory.
        """
        counts: dict[str, list[int]] = {}
        for name in self.selection.groups:
            column = self.columns[f"inputs/{name}"]
            if isinstance(column, RaggedColumn):
                counts[name] = [int(lengths.sum()) for lengths in column.known_lengths[rows].split(sizes)]
                counts |= dict.fromkeys(column.targets, counts[name])
        return counts

    def target(self, name: str) -> Tensor:
        """All values of a target, (rows, ...), without a copy."""
        column = self.columns[f"targets/{name}"]
        if not isinstance(column, DenseColumn):
            raise TypeError(f"the target '{name}' is no dense column")
        return column.values

    def group_values(self, name: str) -> Tensor | None:
        """The numbers of a group, (rows, ...), of lists (total, n_features), without a copy; None of sparse images."""
        column = self.columns[f"inputs/{name}"]
        if isinstance(column, DenseColumn):
            return column.values
        return column.parts[0][: column.filled] if column.info.layout == "ragged" else None

    def whole(self) -> dict:
        """All samples in file order as one batch, without a copy."""
        return self.batch([column.whole() for column in self.columns.values()], self.rows)


class DenseColumn:
    """A column of fixed shape: values (rows, *shape). uint64 numbers are kept as int64 of the same bits."""

    def __init__(self, path: str, rows: int, dtype: str, shape: tuple[int, ...]):
        self.path = path
        self.array: np.ndarray | None = np.empty((rows, *shape), WIDER.get(dtype, dtype))
        self.values = _tensor(self.array)

    def load(self, shard: Shard, start: int, stop: int, at: int) -> None:
        """Rows start to stop of a shard into the rows from `at` on; only in host memory."""
        if self.array is None:
            raise RuntimeError(f"'{self.path}' was moved to a device, and takes no more samples")
        shard.read_into(self.path, start, stop, self.array[at : at + stop - start])

    def to(self, device: torch.device) -> None:
        """Moves the values to `device`."""
        self.values, self.array = self.values.to(device), None

    def buffer(self, batch_size: int) -> Tensor:
        """Memory for `batch_size` samples, (batch_size, *shape)."""
        return torch.empty((batch_size, *self.values.shape[1:]), dtype=self.values.dtype, device=self.values.device)

    def whole(self) -> Tensor:
        """All values, (rows, *shape)."""
        return self.values

    def gather(self, rows: Tensor, buffer: Tensor, at: int, known: Tensor | None = None) -> None:
        """The values at `rows` (k,) int64 into rows at to at + k of the buffer."""
        part = buffer if len(rows) == len(buffer) else buffer[at : at + len(rows)]
        torch.index_select(self.values, 0, rows, out=part)

    def batch(self, buffer: Tensor, size: int) -> Tensor:
        """The buffer's first `size` rows, without a copy."""
        return buffer if size == len(buffer) else buffer[:size]


@dataclass
class RaggedBuffer:
    """A batch of a cut column: lengths (batch,), offsets (batch + 1,), its elements and their number."""

    lengths: Tensor
    offsets: Tensor
    parts: list[Tensor]
    filled: int = 0


@dataclass
class RaggedColumn:
    """A ragged or sparse column: elements one sample after another, where each sample's begin, and the `targets` of
    its elements, which are parts of it like the elements' features.
    """

    path: str
    rows: int
    info: GroupInfo
    capacity: int
    targets: dict[str, ElementTargetInfo] = field(default_factory=dict)
    filled: int = 0
    arrays: list[np.ndarray] = field(default_factory=list)
    parts: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        ragged = self.info.layout == "ragged"
        names = ("values",) if ragged else ("index", "value")
        self.paths = [*(f"{self.path}/{name}" for name in names), *(f"element_targets/{name}" for name in self.targets)]
        dtypes = (self.info.dtype,) if ragged else ("int32", self.info.dtype)
        shape = self.info.shape if ragged else ()
        self.arrays = [np.empty((self.capacity, *shape), WIDER.get(dtype, dtype)) for dtype in dtypes]
        self.arrays += [np.empty(self.capacity, info.dtype) for info in self.targets.values()]
        self.parts = [_tensor(array) for array in self.arrays]
        self.starts = torch.empty(self.rows, dtype=torch.int64)
        self.lengths = torch.empty(self.rows, dtype=torch.int64)
        self.offsets_read = np.empty(self.rows + 1, np.int64)
        self.known_lengths = self.lengths  # which stay in host memory
        self.numbers = torch.empty(0, dtype=torch.int64)

    def load(self, shard: Shard, start: int, stop: int, at: int) -> None:
        """Rows start to stop of a shard into the rows from `at` on; `at` 0 begins again."""
        self.filled = self.filled if at else 0
        if stop == start:
            return
        offsets = self.offsets_read[: stop - start + 1]
        shard.read_into(f"{self.path}/offsets", start, stop + 1, offsets)
        first, last = int(offsets[0]), int(offsets[-1])
        end = self.filled + last - first
        self._grow(end)
        for path, array in zip(self.paths, self.arrays, strict=True):
            shard.read_into(path, first, last, array[self.filled : end])
        read = torch.from_numpy(offsets)
        rows = slice(at, at + stop - start)
        torch.sub(read[1:], read[:-1], out=self.lengths[rows])
        torch.add(read[:-1], self.filled - first, out=self.starts[rows])
        self.filled = end

    def _grow(self, needed: int) -> None:
        if needed <= self.capacity:
            return
        self.capacity = needed + needed // 4
        for i, old in enumerate(self.arrays):
            self.arrays[i] = np.empty((self.capacity, *old.shape[1:]), old.dtype)
            self.arrays[i][: self.filled] = old[: self.filled]
        self.parts = [_tensor(array) for array in self.arrays]

    def to(self, device: torch.device) -> None:
        """Moves the elements to `device`; the lengths stay in host memory too."""
        self.parts, self.arrays = [part.to(device) for part in self.parts], []
        self.starts, self.lengths, self.numbers = (
            tensor.to(device) for tensor in (self.starts, self.lengths, self.numbers)
        )

    def buffer(self, batch_size: int) -> RaggedBuffer:
        """Memory for `batch_size` samples; it grows with their elements."""
        parts = [part.new_empty((0, *part.shape[1:])) for part in self.parts]
        return RaggedBuffer(self.lengths.new_empty(batch_size), self.lengths.new_zeros(batch_size + 1), parts)

    def whole(self) -> RaggedBuffer:
        """All samples as a filled buffer, without a copy of the elements."""
        offsets = torch.cat([self.starts, self.starts.new_tensor([self.filled])])
        return RaggedBuffer(self.lengths, offsets, self.parts, self.filled)

    def gather(self, rows: Tensor, buffer: RaggedBuffer, at: int, known: Tensor | None = None) -> None:
        """The samples at `rows` (k,) int64 into rows at to at + k of the buffer; `known` as in `SampleTable.gather`."""
        buffer.filled = buffer.filled if at else 0
        k = len(rows)
        lengths = torch.index_select(self.lengths, 0, rows, out=buffer.lengths[at : at + k])
        ends = torch.cumsum(lengths, 0, out=buffer.offsets[at + 1 : at + k + 1])
        total = int(lengths.sum() if known is None else self.known_lengths[known].sum())
        starts = self.starts.index_select(0, rows)
        for i, part in enumerate(buffer.parts):
            buffer.parts[i] = _enlarge(part, buffer.filled, buffer.filled + total)
        outs = [part[buffer.filled : buffer.filled + total] for part in buffer.parts]
        if self.arrays and total >= LONG * k:
            self._copy_lists(starts, lengths, outs)
        else:
            shift = starts.add_(lengths).sub_(ends)
            elements = torch.repeat_interleave(shift, lengths, output_size=total).add_(self._counting(total))
            for part, out in zip(self.parts, outs, strict=True):
                torch.index_select(part, 0, elements, out=out)
        if buffer.filled:
            ends.add_(buffer.filled)
        buffer.filled += total

    def _copy_lists(self, starts: Tensor, lengths: Tensor, outs: list[Tensor]) -> None:
        """Copies list by list: twice as fast as element by element when lists are long and in host memory."""
        ends = (starts + lengths).tolist()
        lists = [slice(start, end) for start, end in zip(starts.tolist(), ends, strict=True)]
        for part, out in zip(self.parts, outs, strict=True):
            array = part.numpy()
            if lists:
                np.concatenate([array[cut] for cut in lists], out=out.numpy())

    def _counting(self, total: int) -> Tensor:
        """0, 1, 2, ..., (total,) int64."""
        if len(self.numbers) < total:
            self.numbers = torch.arange(total + total // 4, device=self.starts.device)
        return self.numbers[:total]

    def batch(self, buffer: RaggedBuffer, size: int) -> RaggedBatch | SparseBatch:
        """The buffer's first `size` rows as a batch, without a copy."""
        parts = [part[: buffer.filled] for part in buffer.parts]
        if self.info.layout == "ragged":
            return RaggedBatch(parts[0], buffer.lengths[:size])
        index, value = parts[:2]
        channels, height, width = self.info.shape
        return SparseBatch(index, value, buffer.offsets[: size + 1], (channels, height, width))

    def target_batches(self, buffer: RaggedBuffer, size: int) -> dict[str, RaggedBatch]:
        """The elements' targets of the same batch, by name: values (total,), one for each of its elements."""
        parts = buffer.parts[len(buffer.parts) - len(self.targets) :]
        lengths = buffer.lengths[:size]
        values = (part[: buffer.filled] for part in parts)
        return {name: RaggedBatch(value, lengths) for name, value in zip(self.targets, values, strict=True)}


def _enlarge(part: Tensor, filled: int, needed: int) -> Tensor:
    """`part` itself, or a larger one with the same first `filled` elements."""
    if needed <= len(part):
        return part
    larger = part.new_empty((needed + needed // 4, *part.shape[1:]))
    larger[:filled] = part[:filled]
    return larger


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.view(np.int64) if array.dtype == np.uint64 else array)


def _paths(name: str, info: GroupInfo) -> list[str]:
    parts = {"dense": ("",), "ragged": ("/values", "/offsets"), "sparse": ("/index", "/value", "/offsets")}
    return [f"inputs/{name}{part}" for part in parts[info.layout]]
