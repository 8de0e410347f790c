"""NumPy's NPZ files: arrays of equal first axis, read in ranges of rows without the rest in memory."""

import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from bevatron.errors import UserError
from bevatron.regular_files import require_regular
from bevatron.system_errors import system_fault
from bevatron.tables.equal_length import keep_equal_length
from bevatron.tables.table import Column, EventTable

ROW_BYTES = 1 << 30


class NpzTable(EventTable):
    """One NPZ file; compressed arrays are read from their beginning to the rows that are asked for."""

    def __init__(self, path: Path):
        self.path = path
        require_regular(path)
        try:
            self._archive = zipfile.ZipFile(path)
        except Exception as error:
            if fault := system_fault(error, path):
                raise fault from None
            raise UserError(path, f"is no NPZ file, or damaged: {error}", "fetch it again") from None
        refused: dict[str, str] = {}
        self.refused = refused
        self._members: dict[str, tuple[tuple[int, ...], np.dtype]] = {}
        self._places: dict[str, tuple[str, str]] = {}  # by column its array, and its field of a structured one
        found: dict[str, tuple[int, Column]] = {}
        for member in self._archive.namelist():
            name = member.removesuffix(".npy")
            if member == name or name in self._members:
                continue
            try:
                shape, dtype = self._header(member)
            except UserError as error:
                refused[name] = f"cannot be read: {error.what}"
                continue
            if not shape:
                continue
            self._members[name] = shape, dtype
            for field, kind in dtype.fields.items() if dtype.fields else [("", (dtype, 0))]:
                if kind[0].base.kind in "biufSU":
                    full = f"{name}.{field}" if field else name
                    self._places[full] = name, field
                    found[full] = shape[0], column_of(kind[0].base, (*shape[1:], *kind[0].shape))
                else:
                    refused[name] = f"holds {kind[0]}, which are no numbers"
        if not found and refused:
            name, reason = next(iter(refused.items()))
            raise UserError(path, f"'{name}' {reason}", "see what wrote the file")
        self.columns, self.n_rows = keep_equal_length(found, path)

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def _header(self, member: str) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and type. Raises UserError for what cannot be read in rows, or is not as large as it says."""
        with self._reading(member) as file:
            shape, fortran, dtype = _read_header(file)
            expected = file.tell() + prod(shape) * dtype.itemsize
        actual = self._archive.getinfo(member).file_size
        if dtype.hasobject:
            raise UserError(self.path, "it holds Python objects, and reading these would run code")
        if fortran and len(shape) > 1:
            raise UserError(self.path, "it is in Fortran order, column by column; save np.ascontiguousarray of it")
        if expected != actual:
            size = " × ".join(map(str, shape))
            raise UserError(self.path, f"it says {size} values of {dtype}, and has {actual:,} bytes in all")
        if shape and prod(shape[1:]) * dtype.itemsize > ROW_BYTES:
            raise UserError(self.path, f"a row of it has more than {ROW_BYTES >> 20} MB")
        return shape, dtype

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        rows = {member: self._rows(member, start, stop) for member, _ in (self._places[name] for name in names)}
        values = {}
        for name in names:
            member, field = self._places[name]
            column = rows[member][field] if field else rows[member]
            values[name] = _texts(column) if self.columns[name].kind == "text" else _native(column)
        return values

    def _rows(self, name: str, start: int, stop: int) -> np.ndarray:
        shape, dtype = self._members[name]
        row = prod(shape[1:]) * dtype.itemsize
        with self._reading(f"{name}.npy") as file:
            _read_header(file)
            self._skip(file, start * row)
            content = file.read((stop - start) * row)
            if stop == shape[0]:
                file.read(1)  # the checksum is compared at the end
        if len(content) < (stop - start) * row:
            raise UserError(self.path, f"'{name}' is cut short", "fetch it again")
        return np.frombuffer(content, dtype).reshape(stop - start, *shape[1:])

    @staticmethod
    def _skip(file: IO[bytes], n_bytes: int) -> None:
        file.seek(n_bytes, 1)  # of a member that is stored, at once; of a compressed one, in pieces

    def _reading(self, member: str) -> "_Reading":
        return _Reading(self._archive, member, self.path)


class _Reading:
    """A member open for reading, and every fault of it in one line."""

    def __init__(self, archive: zipfile.ZipFile, member: str, path: Path):
        self._archive, self._member, self._path = archive, member, path

    def __enter__(self) -> IO[bytes]:
        try:
            self._file = self._archive.open(self._member)
        except Exception as error:  # encrypted, packed in an unknown way, damaged
            raise self._error(error) from None
        return self._file

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._file.close()
        if isinstance(error, Exception) and not isinstance(error, UserError):
            raise self._error(error) from None

    def _error(self, error: Exception) -> UserError:
        if fault := system_fault(error, self._path):
            return fault
        reason = " ".join(str(error).split())[:120]
        return UserError(self._path, f"'{self._member}' is damaged, or no array: {reason}", "fetch it again")


def _native(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def _texts(values: np.ndarray) -> np.ndarray:
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values.ravel().tolist()]
    return np.asarray(texts, object).reshape(values.shape)


def _read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def column_of(dtype: np.dtype, shape: tuple[int, ...]) -> Column:
    """The column of an array of that type, of whose rows each has this shape."""
    if dtype.kind in "SU":
        return Column("text", "str", shape)
    return Column("array" if shape else "number", dtype.newbyteorder("=").name, shape)
