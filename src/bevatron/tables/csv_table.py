"""Text tables: CSV, plain or compressed, by pandas. Without an index, rows are found by reading from the start."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bevatron.errors import UserError
from bevatron.regular_files import require_regular
from bevatron.system_errors import system_fault
from bevatron.tables.csv_text import check_lengths, check_names, first_row, open_text
from bevatron.tables.table import Column, EventTable, made_of

if TYPE_CHECKING:
    from bevatron.tables.open_table import TableOptions

LOOKED_AT = 1000  # rows that decide which columns are texts
AT_ONCE = 100_000
MISSING = ["", "nan", "NaN", "-nan", "-NaN", "NA", "N/A", "n/a", "<NA>", "#N/A", "null", "NULL", "None"]


class CsvTable(EventTable):
    """One CSV file; columns have the names of the first line, of the study, or 0, 1, 2 and so on.

    In columns of numbers nothing, `nan`, `NA`, `null` and `None` are missing numbers; texts are what the file has.
    """

    def __init__(self, path: Path, options: "TableOptions"):
        self.path, self._options, self._lengths_checked = path, options, False
        require_regular(path)
        with _faults(path):
            fields = first_row(path, options.separator)
        self._names = self._names_of(fields)
        self.columns = {name: Column("number", "float64") for name in self._names}
        first = next(self._chunks(self._names, LOOKED_AT), None)
        if first is None or first.empty:
            raise UserError(path, "holds no row", "take it out of the files")
        self.columns = {name: _column_of(first[name]) for name in self._names}

    def _names_of(self, fields: list[str]) -> list[str]:
        options = self._options
        if not options.names:
            return check_names(fields, self.path) if options.header else [str(k) for k in range(len(fields))]
        if len(options.names) != len(fields):
            what = f"has {len(fields)} columns, and simulation.source.names has {len(options.names)} names"
            raise UserError(self.path, what, "name each column")
        return check_names(list(options.names), self.path)

    @cached_property
    def n_rows(self) -> int:  # found when it is asked for
        """Rows of the file, which is read for it."""
        return sum(len(chunk) for chunk in self._chunks(self._names[:1], AT_ONCE))

    def close(self) -> None:
        """There is nothing to close: each reading opens the file."""

    def steps(self, names: Iterable[str], start: int, stop: int | None, rows: int) -> Iterator[dict[str, Any]]:
        """As the interface says, in one pass."""
        sources = {name: self._sources(name) for name in names}
        columns = list(dict.fromkeys(chain.from_iterable(sources.values())))
        at = 0
        for chunk in self._chunks(columns, rows):
            first, last = max(start - at, 0), len(chunk) if stop is None else min(stop - at, len(chunk))
            if first < last:
                values = {name: self._values(chunk[name].iloc[first:last], name, at + first) for name in columns}
                yield {
                    name: made_of([values[column] for column in found], name, found) for name, found in sources.items()
                }
            at += len(chunk)
            if stop is not None and at >= stop:
                return

    def _read(self, names: list[str], start: int, stop: int) -> dict[str, Any]:
        parts = list(self.steps(names, start, stop, AT_ONCE))
        if not parts:
            return {name: np.zeros(0, object if self.columns[name].kind == "text" else float) for name in names}
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def _chunks(self, names: list[str], rows: int) -> Iterator[Any]:
        import pandas as pd

        options = self._options
        texts = {name: str for name, column in self.columns.items() if column.kind == "text"}
        with _faults(self.path), open_text(self.path) as text:
            read_csv: Any = pd.read_csv  # its types know fewer arguments than it takes
            reader = read_csv(
                text,
                sep=options.separator,
                chunksize=rows,
                skipinitialspace=True,
                low_memory=False,
                names=self._names,
                header=0 if options.header else None,
                index_col=False,
                dtype=texts,
                keep_default_na=False,
                na_values={name: MISSING for name in self._names if name not in texts},
            )
            with reader:
                while (chunk := self._next_chunk(reader)) is not None:
                    yield chunk[names]

    def _next_chunk(self, reader: Any) -> Any:
        """The next rows, None after the last.

        Of rows longer than the names pandas drops fields with a warning alone, and it fills up shorter ones as if
        nothing was missing.
        """
        import pandas as pd

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", pd.errors.ParserWarning)
            chunk = next(reader, None)
        if chunk is None:
            return None
        is_longer = any(issubclass(warning.category, pd.errors.ParserWarning) for warning in caught)
        if is_longer or (len(self._names) > 1 and chunk[self._names[-1]].isna().any()):
            self._check_lengths()
        return chunk

    def _check_lengths(self) -> None:
        if not self._lengths_checked:
            check_lengths(self.path, self._options.separator, len(self._names))
            self._lengths_checked = True

    def _values(self, values: Any, name: str, first: int) -> np.ndarray:
        if self.columns[name].kind == "text":
            return np.asarray(["" if value is np.nan else str(value) for value in values.to_list()], object)
        if values.dtype.kind in "biuf":
            return values.to_numpy()
        numbers, bad = _to_numbers(values)
        if not bad.any():
            return numbers
        row = int(bad.argmax())
        line = first + row + 1 + self._options.header
        what = f"column '{name}': '{str(values.iloc[row])[:40]}' is no number"
        raise UserError(f"{self.path}:{line}", what, "correct the line")


def _to_numbers(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of a column that pandas did not take for one, float64, and which of them are none."""
    import pandas as pd

    converted: Any = pd.to_numeric(values.astype(object), errors="coerce")
    numbers = converted.to_numpy(np.float64, na_value=np.nan)
    missing = values.isna().to_numpy() | values.isin(MISSING).to_numpy()
    return numbers, np.isnan(numbers) & ~missing


def _column_of(values: Any) -> Column:
    if values.dtype.kind in "biuf":
        return Column("number", str(values.dtype))
    numbers, bad = _to_numbers(values)
    return Column("text", "str") if bad.any() or len(numbers) == 0 else Column("number", "float64")


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Every way in which pandas and what unpacks fail, as one UserError that names the file."""
    import pandas as pd

    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(path, "no such file", "paths start from the working folder") from None
    except pd.errors.EmptyDataError:
        raise UserError(path, "holds no column", "take it out of the files") from None
    except Exception as error:
        if fault := system_fault(error, path):
            raise fault from None
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(path, f"is no table of columns, or damaged: {reason}", "see what wrote it") from None
