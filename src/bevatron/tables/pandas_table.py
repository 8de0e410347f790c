"""Tables that pandas wrote into HDF5 (`DataFrame.to_hdf`), read without pandas' own library for it.

pandas keeps a table's columns of equal type together in blocks. Their names are kept as a pickle, of which only lists
of texts are let through: a pickle of anything else could run code.
"""

import pickletools
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bevatron.errors import UserError
from bevatron.tables.own_values import reason_to_refuse
from bevatron.tables.table import Column, EventTable

KINDS = ("frame_table", "frame")


def find_pandas(node: h5py.Group, path: Path) -> h5py.Group | None:
    """The group of the only table that pandas wrote at or right below `node`; None where there is none."""
    if _kind(node) in KINDS:
        return node
    found = []
    for name in node:
        if isinstance(node.get(name, getlink=True), h5py.HardLink):
            item = node[name]
            if isinstance(item, h5py.Group) and _kind(item) in KINDS:
                found.append(item)
    if len(found) > 1:
        names = ", ".join(str(group.name).strip("/") for group in found)
        raise UserError(path, f"has {len(found)} tables of pandas: {names}", "name one by `tree`")
    return found[0] if found else None


def open_pandas(file: h5py.File, group: h5py.Group, path: Path) -> EventTable:
    """The table of that group."""
    return PandasTable(file, _blocks_of_table(group) if _kind(group) == "frame_table" else _blocks(group), path)


class PandasTable(EventTable):
    """One DataFrame; a column is a place within a block of columns of equal type."""

    def __init__(self, file: h5py.File, blocks: list[tuple[h5py.Dataset, str, list[str]]], path: Path):
        self.path, self._file = path, file
        self._places: dict[str, tuple[h5py.Dataset, str, int | None]] = {}
        self.columns = {}
        self.n_rows = len(blocks[0][0]) if blocks else 0
        for dataset, field, names in blocks:
            dtype = dataset.dtype[field] if field else dataset.dtype
            base = dtype.subdtype[0] if dtype.subdtype else dtype
            if base.kind not in "biufS" or len(dataset) != self.n_rows:
                continue
            if reason := reason_to_refuse(dataset):
                raise UserError(path, f"'{dataset.name}' {reason}", "see what wrote the file")
            for k, name in enumerate(names):
                self._places[name] = dataset, field, k if len(names) > 1 or dtype.subdtype or dataset.ndim > 1 else None
                column = Column("text", "str") if base.kind == "S" else Column("number", base.newbyteorder("=").name)
                self.columns[name] = column
        if not self.columns:
            raise UserError(path, "holds a table of pandas without a column of numbers", "see what wrote the file")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        from bevatron.tables.hdf5_table import faults, plain, read_fields

        with faults(self.path):
            found = read_fields({name: self._places[name][:2] for name in names}, start, stop)
        values = {}
        for name, rows in found.items():
            place = self._places[name][2]
            values[name] = plain(rows if place is None else rows[:, place], self.columns[name])
        return values


def _kind(group: h5py.Group) -> str:
    kind = group.attrs.get("pandas_type", b"")
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def _blocks_of_table(group: h5py.Group) -> list[tuple[h5py.Dataset, str, list[str]]]:
    """Format 'table': one compound dataset; blocks of columns, or columns by their own names."""
    table = _dataset(group, "table")
    blocks = []
    for field in table.dtype.names:
        if field == "index":
            continue
        names = table.attrs.get(f"{field}_kind")
        blocks.append((table, field, [field] if names is None else _names(names, field)))
    return blocks


def _blocks(group: h5py.Group) -> list[tuple[h5py.Dataset, str, list[str]]]:
    """Format 'fixed': a dataset for each block, and one for its columns' names."""
    blocks = []
    number: Any = group.attrs["nblocks"]
    for k in range(int(number)):
        names = [_text(name) for name in _dataset(group, f"block{k}_items")[()].tolist()]
        blocks.append((_dataset(group, f"block{k}_values"), "", names))
    return blocks


def _dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    node = group[name]
    if not isinstance(node, h5py.Dataset):
        raise KeyError(f"{node.name} is no dataset")
    return node


def _names(stored: Any, field: str) -> list[str]:
    if isinstance(stored, np.ndarray):
        return [_text(name) for name in stored.tolist()]
    names = _pickled_texts(stored if isinstance(stored, bytes) else bytes(stored))
    return [field] if names is None else names


IGNORED = {"PROTO", "FRAME", "MARK", "EMPTY_LIST", "LIST", "APPENDS", "APPEND"}
TEXTS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
PUTS, GETS = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}, {"GET", "BINGET", "LONG_BINGET"}


def _pickled_texts(content: bytes) -> list[str] | None:
    """The texts of a pickled list of texts, as PyTables keeps one in an attribute; None for anything else.

    The pickle's instructions are read, and none is carried out.
    """
    names: list[str] = []
    memo: dict[int, str | None] = {}
    last: str | None = None
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name in TEXTS:
                last = str(argument)
                names.append(last)
            elif opcode.name in PUTS:
                memo[len(memo) if argument is None else int(str(argument))] = last
            elif opcode.name in GETS:
                again = memo.get(int(str(argument)))
                if again is None:
                    return None
                names.append(again)
            elif opcode.name == "STOP":
                return names
            elif opcode.name in IGNORED:
                last = None
            else:
                return None
    except ValueError:
        return None
    return None


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
