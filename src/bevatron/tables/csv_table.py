"""Text tables: CSV, plain or compressed, by pandas. Without an index, rows are found by reading from the start."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bevatron.errors import UserError
from bevatron.regular_files import open_regular
from bevatron.system_errors import system_fault
from bevatron.tables.table import Column, Table, unknown_column

if TYPE_CHECKING:
    from bevatron.tables.open_table import TableOptions

LOOKED_AT = 1000  # rows that decide which columns are texts
AT_ONCE = 100_000
COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class CsvTable(Table):
    """One CSV file; columns have the names of the first line, of the study, or 0, 1, 2 and so on."""

    def __init__(self, path: Path, options: "TableOptions"):
        self.path, self._options = path, options
        with open_regular(path) as file:
            start = file.read(8)
        self._compression = next((name for magic, name in COMPRESSIONS.items() if start.startswith(magic)), None)
        first = next(self._chunks(None, LOOKED_AT), None)
        if first is None:
            raise UserError(path, "holds no row", "take it out of the files")
        self.columns = {str(name): _column_of(first[name]) for name in first.columns}

    @cached_property
    def n_rows(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]  # found when it is asked for
        """Rows of the file, which is read for it."""
        return sum(len(chunk) for chunk in self._chunks([next(iter(self.columns))], AT_ONCE))

    def close(self) -> None:
        """There is nothing to close: each reading opens the file."""

    def steps(self, names: Iterable[str], start: int, stop: int | None, rows: int) -> Iterator[dict[str, Any]]:
        """As the interface says, in one pass."""
        names = list(dict.fromkeys(names))
        for name in names:
            if name not in self.columns:
                raise unknown_column(self.path, name, list(self.columns))
        at = 0
        for chunk in self._chunks(names, rows):
            first, last = max(start - at, 0), len(chunk) if stop is None else min(stop - at, len(chunk))
            if first < last:
                yield {name: self._values(chunk[name].iloc[first:last], name, at + first) for name in names}
            at += len(chunk)
            if stop is not None and at >= stop:
                return

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        parts = list(self.steps(names, start, stop, AT_ONCE))
        if not parts:
            return {name: np.zeros(0, object if self.columns[name].kind == "text" else float) for name in names}
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def _chunks(self, names: list[str] | None, rows: int) -> Iterator[Any]:
        import pandas as pd

        options = self._options
        header: dict[str, Any] = {"header": 0 if options.header else None}
        if options.names:
            header |= {"names": list(options.names), "header": 0 if options.header else None}
        with _faults(self.path):
            reader = pd.read_csv(
                self.path,
                sep=options.separator,
                compression=self._compression,
                chunksize=rows,
                skipinitialspace=True,
                encoding_errors="replace",
                low_memory=False,
                **header,
            )
            with reader:
                for chunk in reader:
                    chunk.columns = [str(name).strip() for name in chunk.columns]
                    yield chunk if names is None else chunk[names]

    def _values(self, values: Any, name: str, first: int) -> np.ndarray:
        if self.columns[name].kind == "text":
            return np.asarray(values.astype(str), object)
        if values.dtype.kind in "biuf":
            return values.to_numpy()
        import pandas as pd

        bad = values[pd.to_numeric(values, errors="coerce").isna() & values.notna()]
        if len(bad) == 0:
            return pd.to_numeric(values).to_numpy()
        row = first + values.index.get_loc(bad.index[0])
        line = row + 1 + self._options.header
        raise UserError(
            f"{self.path}:{line}", f"column '{name}': '{str(bad.iloc[0])[:40]}' is no number", "mend the line"
        )


def _column_of(values: Any) -> Column:
    return Column("number", str(values.dtype)) if values.dtype.kind in "biuf" else Column("text", "str")


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    import lzma
    import zipfile
    import zlib

    import pandas as pd

    try:
        yield
    except UserError:
        raise
    except pd.errors.EmptyDataError:
        raise UserError(path, "holds no column", "take it out of the files") from None
    except OSError as error:
        damaged = UserError(path, f"is no table of columns, or damaged: {error}", "fetch it again")
        raise system_fault(error, path) or damaged from None
    except (ValueError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ImportError) as error:
        reason = " ".join(str(error).split())[:160]
        raise UserError(path, f"is no table of columns, or damaged: {reason}", "see what wrote it") from None
