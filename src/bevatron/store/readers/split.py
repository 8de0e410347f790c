"""One split of a dataset and how it is read: how large it is, kept in memory or streamed, in blocks of how many rows.

All of it follows from the manifest, and no shard is opened: what identifies a run can be told before data are read, and
the readers take the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.store.readers.partitions import partition_count
from bevatron.store.readers.table import WIDER, Selection
from bevatron.store.shards.contract import GroupInfo
from bevatron.store.shards.dataset import Dataset, load_dataset
from bevatron.store.shards.manifest import Manifest, ShardEntry
from bevatron.store.shards.shard import chunk_rows

WINDOWS = 2  # of a streamed split in memory: one is delivered while the next is filled
INDEX, OFFSETS = "int32", "int64"  # number types of a sparse image's pixel numbers, and of what cuts lists


@dataclass(frozen=True)
class Split:
    """One split of a dataset, what of it is read, and how large that is."""

    manifest: Manifest
    folder: Path
    name: str
    selection: Selection
    elements: dict[str, int]
    bytes: int

    @property
    def entries(self) -> tuple[ShardEntry, ...]:
        """The split's shards, in their order."""
        return self.manifest.splits[self.name]

    def __len__(self) -> int:
        return self.manifest.n_samples(self.name)


@dataclass(frozen=True)
class ReadingOrder:
    """What the order of samples depends on beside (seed, epoch); as text in words that differ where the order does.

    block_rows: samples of a block of a streamed split; None for a split that is kept in memory.
    buffer_blocks: blocks among which streamed samples are shuffled.
    partitions: canonical partitions that the samples come from in turn (see `partitions`).
    """

    block_rows: int | None = None
    buffer_blocks: int = 0
    partitions: int = 1

    @property
    def is_streamed(self) -> bool:
        """Whether the split is read from disk block by block, and not kept in memory."""
        return self.block_rows is not None

    def __str__(self) -> str:
        partitions = f", from {self.partitions} partitions in turn" if self.partitions > 1 else ""
        if not self.is_streamed:
            return f"shuffled in memory{partitions}"
        return f"streamed in blocks of {self.block_rows} rows, shuffled among {self.buffer_blocks}{partitions}"


@dataclass(frozen=True)
class _Column:
    """An HDF5 dataset of a shard: its path, the bytes of a row, on the disk and in memory, and how many rows it has."""

    path: str
    on_disk: int
    in_memory: int
    rows: int


def describe(
    path: Path,
    split: str,
    groups: list[str] | None = None,
    targets: list[str] | None = None,
    expected_dataset_digest: str | None = None,
    element_targets: Sequence[str] = (),
) -> Split:
    """What `open_split` would read, and its size in memory, from the manifest in `path` alone.

    Raises UserError for an unknown split, group or target, and a target of elements of a group that is not read.
    """
    return split_of(load_dataset(path, expected_dataset_digest), split, groups, targets, element_targets)


def split_of(
    dataset: Dataset,
    split: str,
    groups: list[str] | None = None,
    targets: list[str] | None = None,
    element_targets: Sequence[str] = (),
) -> Split:
    """As `describe`, of a dataset that is loaded."""
    manifest, path = dataset.manifest, dataset.manifest_path
    for what, requested, known in (
        ("group", groups, manifest.groups),
        ("target", targets, manifest.targets),
        ("target of elements", element_targets, manifest.element_targets),
    ):
        if unknown := set(requested or ()) - set(known):
            raise UserError(
                path,
                f"has no {what} '{min(unknown)}'{did_you_mean(min(unknown), known)}",
                f"allowed: {', '.join(known) or 'none'}",
            )
    if split not in manifest.splits:
        what = f"has no split '{split}'{did_you_mean(split, manifest.splits)}"
        raise UserError(path, what, f"allowed: {', '.join(manifest.splits)}")
    selection = Selection(
        {name: manifest.groups[name] for name in (manifest.groups if groups is None else groups)},
        tuple(manifest.targets if targets is None else targets),
        manifest.weighted,
        {name: manifest.element_targets[name] for name in element_targets},
    )
    for name, info in selection.element_targets.items():
        if info.group not in selection.groups:
            what = f"'{name}' is a target of the elements of '{info.group}', which is not read"
            raise UserError(path, what, f"read the group '{info.group}' too")
    entries = manifest.splits[split]
    total = sum(column.rows * column.in_memory for entry in entries for column in _columns(manifest, selection, entry))
    elements = {
        f"inputs/{name}": sum(entry.elements[name] for entry in entries)
        for name, info in selection.groups.items()
        if info.layout != "dense"
    }
    return Split(manifest, dataset.folder, split, selection, elements, total)


def reading_order(
    split: Split, memory_budget_bytes: float, block_rows: int, buffer_blocks: int, partitions: int = 1
) -> ReadingOrder:
    """How `open_split` reads the split: resident where it fits into the budget, else streamed."""
    if split.bytes <= memory_budget_bytes:
        return ReadingOrder(partitions=partition_count(len(split), partitions))
    return streaming_order(split, memory_budget_bytes, block_rows, buffer_blocks, partitions)


def streaming_order(
    split: Split, memory_budget_bytes: float, block_rows: int, buffer_blocks: int, partitions: int = 1
) -> ReadingOrder:
    """How the split is streamed, whatever its size."""
    rows = streamed_block_rows(split, memory_budget_bytes, block_rows, buffer_blocks)
    return ReadingOrder(rows, buffer_blocks, partition_count(len(split), partitions))


def streamed_block_rows(split: Split, memory_budget_bytes: float, block_rows: int, buffer_blocks: int) -> int:
    """Samples of a block of the streamed split.

    About `block_rows`: fewer where two windows would not fit into memory, else whole chunks of the shards.
    """
    row_bytes = split.bytes / max(1, len(split))
    fit = max(1, int(memory_budget_bytes / (WINDOWS * buffer_blocks * row_bytes))) if row_bytes else block_rows
    target = min(block_rows, fit)
    largest = max(split.entries, key=lambda entry: entry.samples)  # one without samples has no chunks
    chunks = [chunk for chunk in chunks_of(split, largest).values() if chunk is not None and chunk <= target]
    rows = max(chunks, default=1)
    return max(1, min(fit // rows, round(target / rows))) * rows


def chunks_of(split: Split, entry: ShardEntry) -> dict[str, int | None]:
    """Rows of a chunk of each HDF5 dataset that is read of a shard, by its path; None of an empty one."""
    rows_of_chunk = {}
    for column in _columns(split.manifest, split.selection, entry):
        empty = column.rows == 0 or column.on_disk == 0
        rows_of_chunk[column.path] = None if empty else min(column.rows, chunk_rows(column.on_disk))
    return rows_of_chunk


def _columns(manifest: Manifest, selection: Selection, entry: ShardEntry) -> list[_Column]:
    columns = []
    for name, info in selection.groups.items():
        columns += _group_columns(name, info, entry)
    for name, info in selection.element_targets.items():
        columns.append(_column(f"element_targets/{name}", info.dtype, (), entry.elements[info.group]))
    for name in selection.targets:
        target = manifest.targets[name]
        columns.append(_column(f"targets/{name}", target.dtype, target.shape, entry.samples))
    columns.append(_column("id", "uint64", (), entry.samples))
    if selection.weight:
        columns.append(_column("weight", "float32", (), entry.samples))
    return columns


def _group_columns(name: str, info: GroupInfo, entry: ShardEntry) -> list[_Column]:
    place = f"inputs/{name}"
    if info.layout == "dense":
        return [_column(place, info.dtype, info.shape, entry.samples)]
    n = entry.elements[name]
    offsets = _column(f"{place}/offsets", OFFSETS, (), entry.samples + 1)
    if info.layout == "ragged":
        return [_column(f"{place}/values", info.dtype, info.shape, n), offsets]
    return [_column(f"{place}/index", INDEX, (), n), _column(f"{place}/value", info.dtype, (), n), offsets]


def _column(path: str, dtype: str, shape: tuple[int, ...], rows: int) -> _Column:
    kind, numbers = np.dtype(dtype), prod(shape)
    in_memory = max(kind.itemsize, 8 if kind.name in WIDER else 0)
    return _Column(path, kind.itemsize * numbers, in_memory * numbers, rows)
