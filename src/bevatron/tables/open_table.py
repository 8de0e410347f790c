"""A file of events, opened by what it is: its first bytes decide, and not its name."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bevatron.errors import UserError
from bevatron.regular_files import open_regular
from bevatron.system_errors import system_fault
from bevatron.tables.table import EventTable

Format = Literal["root", "hdf5", "parquet", "csv", "npz"]
SIGNATURES: dict[bytes, Format] = {
    b"root": "root",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"PAR1": "parquet",
    b"PK\x03\x04": "npz",
}
USER_BLOCK = 512  # where an HDF5 file may begin behind bytes of others: at this, and at each doubling of it


@dataclass(frozen=True)
class TableOptions:
    """How to read a file where it does not say so itself.

    format: one of `Format`, None: by its content. tree: of a ROOT file, the object that holds the events, and of an
    HDF5 file the group; '' for the only one. lists: of HDF5, by group whose rows are elements of lists the dataset in
    it that counts them. The rest is of CSV alone: what separates columns, whether the first line has their names, and
    the names where it has not.
    """

    format: Format | None = None
    tree: str = ""
    separator: str = ","
    header: bool = True
    names: tuple[str, ...] = ()
    lists: Mapping[str, str] = field(default_factory=dict)


def open_table(path: Path, options: TableOptions) -> EventTable:
    """The file as a table. Raises UserError for one that is missing, empty, damaged, or of no known format."""
    kind = options.format or format_of(path)
    match kind:
        case "root":
            from bevatron.tables.root_table import RootTable

            return RootTable(path, options.tree)
        case "hdf5":
            from bevatron.tables.hdf5_table import open_hdf5

            return open_hdf5(path, options.tree, options.lists)
        case "parquet":
            from bevatron.tables.parquet_table import ParquetTable

            return ParquetTable(path)
        case "npz":
            from bevatron.tables.npz_table import NpzTable

            return NpzTable(path)
        case "csv":
            from bevatron.tables.csv_table import CsvTable

            return CsvTable(path, options)


def format_of(path: Path) -> Format:
    """What the file is, by its first bytes; a text or a compressed file counts as CSV."""
    try:
        with open_regular(path) as file:
            start = file.read(4096)
            for signature, kind in SIGNATURES.items():
                if start.startswith(signature):
                    return "csv" if kind == "npz" and not _is_npz(path) else kind
            offset = USER_BLOCK
            while offset < 2**20 and (file.seek(offset) or True) and (found := file.read(8)):
                if found == b"\x89HDF\r\n\x1a\n":
                    return "hdf5"
                offset *= 2
    except FileNotFoundError:
        raise UserError(path, "no such file", "paths start from the working folder") from None
    except OSError as error:
        raise system_fault(error, path) or error from None
    if start.startswith(b"\x93NUMPY"):
        raise UserError(path, "is a single array (.npy)", "save the columns by name: np.savez(file, pt=..., eta=...)")
    if not start:
        raise UserError(path, "is empty", "fetch it again, or take it out of the files")
    return "csv"


def _is_npz(path: Path) -> bool:
    """Whether a zip file holds arrays, and not one compressed text."""
    import zipfile

    with suppress(Exception), zipfile.ZipFile(path) as archive:
        return any(name.endswith(".npy") for name in archive.namelist())
    return True  # damaged: its reader says so
