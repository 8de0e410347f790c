"""HDF5 files: compound datasets with a field for each variable, plain arrays, and pandas' tables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers the filters of compressed files)
import numpy as np
from h5py import h5o  # pyright: ignore[reportAttributeAccessIssue]

from bevatron.errors import UserError
from bevatron.regular_files import require_regular
from bevatron.system_errors import system_fault
from bevatron.tables.equal_length import keep_equal_length
from bevatron.tables.hdf5_lists import ListTable, open_lists
from bevatron.tables.own_values import reason_to_refuse
from bevatron.tables.pandas_table import find_pandas, open_pandas
from bevatron.tables.table import Column, EventTable


def open_hdf5(path: Path, group: str = "", lists: Mapping[str, str] | None = None) -> EventTable:
    """The table in the file's `group` (or dataset), '' for the whole file; lists: groups of the file whose rows are
    elements of lists, by the dataset in each that counts them.
    """
    require_regular(path)
    with faults(path):
        # Nobody writes to it, and many file systems of clusters have no locks.
        file = h5py.File(path, "r", locking=False)
    try:
        with faults(path):
            node = _find(file, group, path)
            pandas = find_pandas(node, path) if isinstance(node, h5py.Group) else None
            return open_pandas(file, pandas, path) if pandas is not None else Hdf5Table(file, node, path, lists or {})
    except BaseException:
        file.close()
        raise


class Hdf5Table(EventTable):
    """Datasets below a group that have as many entries as events.

    A dataset `a/b` is the column `a.b`, a field `pt` of a compound dataset `jets` the column `jets.pt`; where the table
    is one compound dataset, its fields are the columns. Groups named by `lists` give columns of lists.
    """

    def __init__(
        self,
        file: h5py.File,
        node: h5py.Group | h5py.Dataset,
        path: Path,
        lists: Mapping[str, str] = MappingProxyType({}),
    ):
        self.path, self._file = path, file
        self._places: dict[str, tuple[h5py.Dataset, str]] = {}  # dataset and field, '' for none
        refused: dict[str, str] = {}
        self.refused = refused
        found: dict[str, tuple[int, Column]] = {}
        for name, dataset in [("", node)] if isinstance(node, h5py.Dataset) else _datasets(node, "", set(), refused):
            if not dataset.shape or any(name.startswith(f"{group}.") for group in lists):
                continue
            if reason := reason_to_refuse(dataset):
                refused[name] = reason
                continue
            for field, column in _columns_of(dataset):
                full = ".".join(part for part in (name, field) if part)
                self._places[full] = dataset, field
                found[full] = len(dataset), column
        if not found and refused:
            name, reason = next(iter(refused.items()))
            raise UserError(path, f"'{name}' {reason}", "see what wrote the file")
        self.columns, self.n_rows = keep_equal_length(found, path)
        self._lists: dict[str, ListTable] = {}
        for group, counts in lists.items():
            table = _find(file, group, path)
            if not isinstance(table, h5py.Group):
                raise UserError(path, f"'{group}' is no group", "name the group whose datasets are lists")
            opened = open_lists(table, group, counts, self.n_rows, path)
            self._lists |= dict.fromkeys(opened.places, opened)
            self.columns |= opened.columns()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        with faults(self.path):
            found = read_fields({name: self._places[name] for name in names if name in self._places}, start, stop)
            lists = {name: self._lists[name].read(name, start, stop) for name in names if name in self._lists}
        return {name: plain(values, self.columns[name]) for name, values in found.items()} | lists


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


def read_fields(places: dict[str, tuple[h5py.Dataset, str]], start: int, stop: int) -> dict[str, np.ndarray]:
    """By name, rows of a dataset, or of a field of it; each dataset is read once, as HDF5 decompresses all fields."""
    rows: dict[str, np.ndarray] = {}
    values = {}
    for name, (dataset, field) in places.items():
        if dataset.name not in rows:
            rows[str(dataset.name)] = dataset[start:stop]
        part = rows[str(dataset.name)]
        values[name] = part[field] if field else part
    return values


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


def _datasets(
    group: h5py.Group, prefix: str, seen: set[int], refused: dict[str, str]
) -> Iterator[tuple[str, h5py.Dataset]]:
    """Datasets below the group by name with dots; each group once, whatever its links."""
    address = h5o.get_info(group.id).addr
    if address in seen:
        return
    seen.add(address)
    for name in map(str, group):
        link, full = group.get(name, getlink=True), f"{prefix}.{name}" if prefix else name
        if isinstance(link, h5py.ExternalLink):
            refused[full] = f"is an external link to '{link.filename}', which is not followed"
        if not isinstance(link, h5py.HardLink):
            continue  # soft links repeat what is elsewhere, external ones lead out of the file
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from _datasets(item, full, seen, refused)
        elif isinstance(item, h5py.Dataset):
            yield full, item


@contextmanager
def faults(path: Path) -> Iterator[None]:
    """Every way in which HDF5 fails to read a file, as one UserError that names it."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if fault := system_fault(error, path):
            raise fault from None
        reason = " ".join(str(error).split())[:160]
        raise UserError(path, f"is cut short or damaged: {reason}", "fetch it again") from None
