"""A table that is written to a CSV file with all digits and to the page as a person reads it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from bevatron.csv_text import format_rows
from bevatron.report.provenance.origin import Origin
from bevatron.report.results.measured import Measured
from bevatron.report.tables.numbers import count, plain, with_error

Cell = str | int | float | Measured | None


@dataclass(frozen=True)
class Number:
    """A number of a CSV file: where it stands (rows count from 1, without the head), its text, its origin."""

    table: str
    row: int
    column: str
    text: str
    origin: Origin


@dataclass(frozen=True)
class Table:
    """name: of the CSV file; head and rows: cells; in the CSV a Measured takes a second column, its error.

    origins: where each row's numbers come from; by_column: what differs from it in the column of that index; by_cell:
    in the cell of that row and column, both counted from 0. failure: why the table could not be made.
    """

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    origins: tuple[Origin, ...]
    by_column: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    by_cell: Mapping[tuple[int, int], Mapping[str, Any]] = field(default_factory=dict)
    failure: str = ""

    @property
    def texts(self) -> list[list[str]]:
        """Rows for the page."""
        return [[_text(cell) for cell in row] for row in self.rows]

    @cached_property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers, to be aligned at the right."""
        return [any(not isinstance(row[i], str | None) for row in self.rows) for i in range(len(self.head))]

    def check(self) -> None:
        """Raises what writing the table would raise."""
        _ = self.texts, self.to_csv(), list(self.numbers())

    def to_csv(self) -> str:
        """The table as CSV, with all digits."""
        head = [name for _, name, _ in self._columns]
        return format_rows([head, *([_raw(row[i], error) for i, _, error in self._columns] for row in self.rows)])

    def numbers(self) -> Iterator[Number]:
        """Every cell of the CSV file that reads as a number, row by row."""
        for k, (row, origin) in enumerate(zip(self.rows, self.origins, strict=True), start=1):
            for i, name, error in self._columns:
                text = _raw(row[i], error)
                if _is_number(text):
                    differences = {**self.by_column.get(i, {}), **self.by_cell.get((k - 1, i), {})}
                    yield Number(self.name, k, name, text, replace(origin, **differences))

    @cached_property
    def _columns(self) -> list[tuple[int, str, bool]]:
        """Columns of the CSV: the cell's index, the column's name, and whether it is the cell's error."""
        columns = []
        for i, name in enumerate(self.head):
            columns.append((i, name, False))
            if any(isinstance(row[i], Measured) for row in self.rows):
                columns.append((i, f"{name} error", True))
        return columns


def failed_table(name: str, reason: str, origin: Origin) -> Table:
    """What stands in place of a table that could not be made."""
    return Table(name, "This table could not be made.", ("failure",), ((reason,),), (origin,), failure=reason)


def _text(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, Measured):
        return with_error(cell.value, cell.error)
    if isinstance(cell, str):
        return cell
    return count(cell) if isinstance(cell, int) else plain(cell)


def _raw(cell: Cell, error: bool) -> str:
    if isinstance(cell, Measured):
        return _digits(cell.error if error else cell.value)
    if error or cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return _digits(cell) if isinstance(cell, float) else str(cell)


def _digits(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.10g}"


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False
