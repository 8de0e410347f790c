"""HDF5 files: compound datasets with a field for each variable, plain arrays, and pandas' tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers the filters of compressed files)
import numpy as np

from bevatron.errors import UserError
from bevatron.regular_files import require_regular
from bevatron.system_errors import system_fault
from bevatron.tables.equal_length import keep_equal_length
from bevatron.tables.pandas_table import find_pandas, open_pandas
from bevatron.tables.table import Column, Table

DEPTH = 6


def open_hdf5(path: Path, group: str = "") -> Table:
    """The table in the file's `group` (or dataset), '' for the whole file."""
    require_regular(path)
    with faults(path):
        # Nobody writes to it, and many file systems of clusters have no locks.
        file = h5py.File(path, "r", locking=False)
    try:
        with faults(path):
            node = _find(file, group, path)
            pandas = find_pandas(node, path) if isinstance(node, h5py.Group) else None
            return open_pandas(file, pandas, path) if pandas is not None else Hdf5Table(file, node, path)
    except BaseException:
        file.close()
        raise


class Hdf5Table(Table):
    """Datasets below a group that have as many entries as events.

    A dataset `a/b` is the column `a.b`, a field `pt` of a compound dataset `jets` the column `jets.pt`; where the table
    is one compound dataset, its fields are the columns.
    """

    def __init__(self, file: h5py.File, node: h5py.Group | h5py.Dataset, path: Path):
        self.path, self._file = path, file
        self._places: dict[str, tuple[h5py.Dataset, str]] = {}  # dataset and field, '' for none
        found: dict[str, tuple[int, Column]] = {}
        for name, dataset in [("", node)] if isinstance(node, h5py.Dataset) else _datasets(node, "", path, 0):
            if dataset.ndim == 0:
                continue
            for field, column in _columns_of(dataset):
                full = ".".join(part for part in (name, field) if part)
                self._places[full] = dataset, field
                found[full] = len(dataset), column
        self.columns, self.n_rows = keep_equal_length(found, path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        rows: dict[str, np.ndarray] = {}
        values = {}
        with faults(self.path):
            for name in names:
                dataset, field = self._places[name]
                if dataset.name not in rows:  # of a compound dataset once: HDF5 decompresses all fields anyway
                    rows[str(dataset.name)] = dataset[start:stop]
                part = rows[str(dataset.name)]
                values[name] = plain(part[field] if field else part, self.columns[name])
        return values


def _columns_of(dataset: h5py.Dataset) -> Iterator[tuple[str, Column]]:
    """Field ('' of a plain dataset) and column of what holds numbers or texts."""
    for field, dtype in (
        [(f, dataset.dtype[f]) for f in dataset.dtype.names] if dataset.dtype.names else [("", dataset.dtype)]
    ):
        base, inner = dtype.subdtype if dtype.subdtype else (dtype, ())
        shape = (*dataset.shape[1:], *inner)
        if h5py.check_string_dtype(base) is not None or base.kind in "SU":
            if not shape:
                yield field, Column("text", "str")
        elif base.kind in "biuf":
            yield field, Column("array" if shape else "number", base.newbyteorder("=").name, shape)


def plain(values: np.ndarray, column: Column) -> np.ndarray:
    """The values in the machine's own byte order, texts as Python's."""
    if column.kind == "text":
        return np.asarray(
            [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values.tolist()], object
        )
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _find(file: h5py.File, group: str, path: Path) -> h5py.Group | h5py.Dataset:
    if not group.strip("/"):
        return file
    node: Any = file
    for part in group.strip("/").split("/"):
        if not isinstance(node, h5py.Group) or part not in node:
            known = ", ".join(node) if isinstance(node, h5py.Group) else "nothing"
            raise UserError(path, f"has no group or dataset '{group}'", f"{node.name} has: {known}")
        node = _followed(node, part, path)
    return node


def _followed(group: h5py.Group, name: str, path: Path) -> Any:
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise UserError(
            path, f"'{name}' is an external link to '{link.filename}'", "name that file, or copy the values (h5repack)"
        )
    return group[name]


def _datasets(group: h5py.Group, prefix: str, path: Path, depth: int) -> Iterator[tuple[str, h5py.Dataset]]:
    for name in group if depth < DEPTH else ():
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            continue  # soft links repeat what is elsewhere, external ones lead out of the file
        item, full = group[name], f"{prefix}.{name}" if prefix else name
        if isinstance(item, h5py.Group):
            yield from _datasets(item, full, path, depth + 1)
        elif isinstance(item, h5py.Dataset) and not item.external:
            yield full, item


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Every way in which HDF5 fails to read a file, as one UserError that names it."""
    try:
        yield
    except UserError:
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError, MemoryError) as error:
        if fault := system_fault(error, path):
            raise fault from None
        reason = " ".join(str(error).split())[:160]
        raise UserError(path, f"is cut short or damaged: {reason}", "fetch it again") from None
