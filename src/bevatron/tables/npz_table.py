"""NumPy's NPZ files: arrays of equal first axis, read in ranges of rows without the rest in memory."""

import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from bevatron.errors import UserError
from bevatron.regular_files import require_regular
from bevatron.system_errors import system_fault
from bevatron.tables.equal_length import keep_equal_length
from bevatron.tables.table import Column, Table

SKIP_BYTES = 1 << 22


class NpzTable(Table):
    """One NPZ file; compressed arrays are read from their beginning to the rows that are asked for."""

    def __init__(self, path: Path):
        self.path = path
        require_regular(path)
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            if fault := system_fault(error, path):
                raise fault from None
            raise UserError(path, f"is no NPZ file, or damaged: {error}", "fetch it again") from None
        self._headers: dict[str, tuple[tuple[int, ...], np.dtype]] = {}
        found: dict[str, tuple[int, Column]] = {}
        for member in self._archive.namelist():
            name = member.removesuffix(".npy")
            shape, dtype = self._header(member)
            if shape and dtype is not None:
                self._headers[name] = shape, dtype
                found[name] = shape[0], column_of(dtype, shape[1:])
        self.columns, self.n_rows = keep_equal_length(found, path)

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def _header(self, member: str) -> tuple[tuple[int, ...], np.dtype | None]:
        """Shape and number type; no type for what is no array of numbers or texts in rows."""
        with self._reading(member) as file:
            shape, fortran, dtype = _read_header(file)
        if dtype.hasobject:
            return (), None  # reading it would run code
        if fortran and len(shape) > 1:
            raise UserError(
                self.path, f"'{member}' lies column by column (Fortran order)", "save np.ascontiguousarray of it"
            )
        return shape, dtype

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        return {name: self._rows(name, start, stop) for name in names}

    def _rows(self, name: str, start: int, stop: int) -> np.ndarray:
        shape, dtype = self._headers[name]
        row = prod(shape[1:]) * dtype.itemsize
        with self._reading(f"{name}.npy") as file:
            _read_header(file)
            self._skip(file, start * row)
            content = file.read((stop - start) * row)
        if len(content) < (stop - start) * row:
            raise UserError(self.path, f"'{name}' is cut short", "fetch it again")
        values = np.frombuffer(content, dtype).reshape(stop - start, *shape[1:])
        return values.astype(dtype.newbyteorder("="))

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
        except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, OSError) as error:
            raise self._error(error) from None
        return self._file

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._file.close()
        if isinstance(error, zipfile.BadZipFile | zlib.error | EOFError | ValueError | OSError):
            raise self._error(error) from None

    def _error(self, error: Exception) -> UserError:
        if fault := system_fault(error, self._path):
            return fault
        reason = " ".join(str(error).split())[:120]
        return UserError(self._path, f"'{self._member}' is damaged, or no array: {reason}", "fetch it again")


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
