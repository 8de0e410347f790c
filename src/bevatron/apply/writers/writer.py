"""What every writer does: it takes columns of equal length, block after block."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bevatron.apply.destinations import Format
from bevatron.errors import UserError

NAME = "scores"  # of the tree in a ROOT file


class Writer(ABC):
    """A file under construction; dtypes: by column, of numbers or truth values."""

    @abstractmethod
    def __init__(self, path: Path, dtypes: dict[str, np.dtype]): ...

    @abstractmethod
    def write(self, columns: dict[str, np.ndarray]) -> None:
        """Adds rows; the columns are those of `dtypes`, in their order, (n,) each."""

    @abstractmethod
    def close(self) -> None:
        """Ends the file."""


@contextmanager
def writing(path: Path, kind: Format, dtypes: dict[str, np.dtype]) -> Iterator[Writer]:
    """A writer of the format. Raises UserError where the package that writes it is not installed."""
    try:
        match kind:
            case "root":
                from bevatron.apply.writers.root import RootWriter as chosen
            case "parquet":
                from bevatron.apply.writers.parquet import ParquetWriter as chosen
            case "h5":
                from bevatron.apply.writers.hdf5 import Hdf5Writer as chosen
            case "csv":
                from bevatron.apply.writers.csv import CsvWriter as chosen
    except ImportError as error:
        name = error.name or kind
        raise UserError(name, f"is not installed, and writes {kind}", "pip install 'bevatron[formats]'") from None
    writer = chosen(path, dtypes)
    try:
        yield writer
    finally:
        writer.close()
