"""A table that is written to a CSV file with all digits and to the page as a person reads it."""

import csv
import io
import math
from dataclasses import dataclass
from itertools import chain

from bevatron.report.measured import Measured
from bevatron.report.numbers import count, plain, with_error

Cell = str | int | float | Measured | None


@dataclass(frozen=True)
class Table:
    """name: of the CSV file; head and rows: cells; in the CSV a Measured takes a second column, its error."""

    name: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def texts(self) -> list[list[str]]:
        """Rows for the page."""
        return [[_text(cell) for cell in row] for row in self.rows]

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers, to be aligned at the right."""
        return [any(not isinstance(row[i], str | None) for row in self.rows) for i in range(len(self.head))]

    def to_csv(self) -> str:
        paired = [any(isinstance(row[i], Measured) for row in self.rows) for i in range(len(self.head))]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in (self.head, *self.rows):
            cells = (_raw(cell, two, row is self.head) for cell, two in zip(row, paired, strict=True))
            writer.writerow(chain.from_iterable(cells))
        return text.getvalue()


def _text(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, Measured):
        return with_error(cell.value, cell.error)
    if isinstance(cell, str):
        return cell
    return count(cell) if isinstance(cell, int) else plain(cell)


def _raw(cell: Cell, paired: bool, heading: bool) -> list[str]:
    if isinstance(cell, Measured):
        return [_digits(cell.value), _digits(cell.error)]
    value = _digits(cell) if isinstance(cell, float) else "" if cell is None else str(cell)
    return [value, f"{value} error" if heading else ""] if paired else [value]


def _digits(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.10g}"
