"""A bounded sample of the rows of somebody's files, and what the files have in common."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.draft.csv_layout import csv_options
from bevatron.draft.names import shown
from bevatron.errors import UserError
from bevatron.tables.open_table import TableOptions, format_of, open_table
from bevatron.tables.table import Column, EventTable

ROWS, BYTES = 10_000, 1 << 27  # of the sample, over all files
FILES = 20  # whose rows are looked at
BLOCKS = 5  # ranges of rows of a file, spread over it: files are often sorted by class
LIST_LENGTH = 50  # elements, a guess of the mean
COUNTED_CSV = 1 << 26  # bytes of a CSV file whose rows are counted, for which all of it is read


@dataclass
class Sample:
    """Some rows of all files together: values (n, ...) by column.

    lacking: reasons by column that is left out. differences: what differs between files, in words. n_rows: of all
    files; None where that was not counted. opened: files that were looked into.
    whole: whether the sample is all rows.
    """

    paths: list[Path]
    options: TableOptions
    format: str
    columns: dict[str, Column] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    n: int = 0
    n_rows: int | None = None
    opened: list[Path] = field(default_factory=list)
    lacking: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    whole: bool = False


@dataclass
class _Seen:
    """What one file has."""

    path: Path
    columns: dict[str, Column]
    lacking: dict[str, str]
    n_rows: int | None
    table: EventTable


def take_sample(paths: Sequence[Path], options: TableOptions, only: Iterable[str] | None = None) -> Sample:
    """Rows from up to FILES files. Raises UserError for what is no table, files of several formats, or no row.

    `only`: columns whose values are wanted; default: all.
    """
    for path in paths:
        if not path.exists():
            raise UserError(path, "no such file", "paths start from the working folder")
    opened = [paths[k] for k in sorted({round(k) for k in np.linspace(0, len(paths) - 1, min(len(paths), FILES))})]
    kinds = {path: options.format or format_of(path) for path in opened}
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{path}: {kind}" for path, kind in list(kinds.items())[:4])
        raise UserError(opened[0], f"the files have several formats ({listed})", "draft each format on its own")
    kind = kinds[opened[0]]
    if kind == "csv":
        options = csv_options(opened[0], options)
    with ExitStack() as stack:
        seen = [_look(path, options, kind, stack) for path in opened]
        return _sample(paths, opened, seen, Sample(list(paths), options, kind, opened=opened), only)


def _sample(
    paths: Sequence[Path], opened: list[Path], seen: list["_Seen"], sample: Sample, only: Iterable[str] | None
) -> Sample:
    filled = [one for one in seen if one.n_rows != 0]
    if not filled:
        raise UserError(opened[0], "holds no row", "give files that have some")
    for one in seen:
        if one.n_rows == 0:
            sample.differences.append(f"{shown(str(one.path), 90)} has no row: take it out of the files")
    _compare(filled, sample)
    if len(opened) == len(paths) and all(one.n_rows is not None for one in seen):
        sample.n_rows = sum(one.n_rows or 0 for one in seen)
    wanted = [name for name in sample.columns if only is None or name in set(only)]
    parts = [_read(one, wanted, sample, len(filled)) for one in filled]
    sample.n = sum(n for n, _ in parts)
    sample.values = {name: _joined([values[name] for _, values in parts if name in values]) for name in wanted}
    sample.whole = sample.n_rows == sample.n
    return sample


def _look(path: Path, options: TableOptions, kind: str, stack: ExitStack) -> _Seen:
    table = stack.enter_context(open_table(path, options))
    columns, lacking = {}, {}
    for name in table.columns:
        try:
            columns[name] = table.columns[name]
        except UserError as error:  # of a ROOT branch, whose type is looked up here
            lacking[name] = error.what.replace(f"'{name}' ", "")
    count = kind != "csv" or path.stat().st_size <= COUNTED_CSV
    return _Seen(path, columns, lacking, table.n_rows if count else None, table)


def _compare(seen: list[_Seen], sample: Sample) -> None:
    """The columns that all files have, of equal kind and shape."""
    first = seen[0]
    for one in seen:
        sample.lacking.update(one.lacking)
    for name, column in first.columns.items():
        problem = ""
        for one in seen[1:]:
            other = one.columns.get(name)
            if other is None:
                problem = f"is missing in {shown(str(one.path), 90)}"
            elif (other.kind, other.shape) != (column.kind, column.shape):
                problem = f"is {describe(column)} in {first.path.name}, {describe(other)} in {shown(str(one.path), 90)}"
            if problem:
                break
        if problem:
            sample.lacking.setdefault(name, problem)
            sample.differences.append(f"'{shown(name)}' {problem}")
        elif name not in sample.lacking:
            sample.columns[name] = column
    for one in seen[1:]:
        for name in one.columns:
            if name not in first.columns and name not in sample.lacking:
                problem = f"is in {shown(str(one.path), 90)}, and not in {shown(str(first.path), 90)}"
                sample.lacking[name] = problem
                sample.differences.append(f"'{shown(name)}' {problem}")


def describe(column: Column) -> str:
    """The column's kind, in words."""
    if column.kind == "array":
        return f"{column.dtype} of {' x '.join(map(str, column.shape))}"
    return {"number": column.dtype, "text": "text", "list": f"lists of {column.dtype}"}[column.kind]


def _read(one: _Seen, names: list[str], sample: Sample, n_files: int) -> tuple[int, dict[str, Any]]:
    row_bytes = sum(_bytes_of(sample.columns[name]) for name in names) or 1
    rows = int(max(1, min(ROWS // n_files, BYTES // n_files // row_bytes)))
    parts: list[dict[str, Any]] = []
    if sample.format == "csv":  # has no index: whatever is not at its start is far
        parts += list(islice(one.table.steps(names, 0, rows, rows), 1)) if names else []
    else:
        parts += [one.table.read(names, start, stop) for start, stop in _ranges(one.table, rows)]
    values = {name: _joined([part[name] for part in parts]) for name in names} if parts else {}
    return (len(values[names[0]]) if values else 0), values


def _ranges(table: EventTable, rows: int) -> list[tuple[int, int]]:
    """Ranges of rows, spread over the file, `rows` in all."""
    if table.n_rows <= rows:
        return [(0, table.n_rows)]
    blocks = min(BLOCKS, rows)
    size = rows // blocks
    starts = np.linspace(0, table.n_rows - size, blocks).astype(int)
    return [(int(start), int(start) + size) for start in starts]


def _bytes_of(column: Column) -> int:
    size = 64 if column.kind == "text" else np.dtype(column.dtype).itemsize
    return size * (LIST_LENGTH if column.kind == "list" else prod(column.shape))


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, np.ndarray) for part in parts):
        kinds = {part.dtype.kind for part in parts}
        if kinds == {"i", "u"} or kinds == {"u"}:
            return np.concatenate([part.astype(np.uint64) if (part >= 0).all() else part for part in parts])
        return np.concatenate(parts)
    import awkward as ak

    return ak.concatenate(parts)
