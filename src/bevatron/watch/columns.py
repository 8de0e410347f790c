"""Tables that fit into a terminal: the first column is cut, and those that matter least are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

LEAST_NAME = 14  # columns for the first column, before another one is left out
MOST_NAME = 60


@dataclass(frozen=True)
class ScreenColumn:
    """A column of numbers. drop: those of the highest number are left out first, those of 0 never."""

    title: str
    cells: Sequence[Text | str]
    drop: int = 0

    @property
    def width(self) -> int:
        """Of its widest cell."""
        return max(cell_len(cell.plain if isinstance(cell, Text) else cell) for cell in (self.title, *self.cells))


def fit_table(title: str, head: str, names: Sequence[str], columns: Sequence[ScreenColumn], width: int) -> Table:
    """The table of `names` and the columns, not wider than `width`."""
    kept = list(columns)

    def room() -> int:
        return width - sum(column.width + 1 for column in kept) - 1

    longest = max(map(cell_len, (head, *names)))
    while room() < min(longest, LEAST_NAME) and (most := max(column.drop for column in kept)) > 0:
        kept = [column for column in kept if column.drop < most]
    table = Table(title=title or None, box=None, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    name_width = max(4, min(longest, room(), MOST_NAME))
    table.add_column(head, no_wrap=True, overflow="ellipsis", width=name_width, header_style="dim")
    for column in kept:
        table.add_column(column.title, justify="right", no_wrap=True, min_width=column.width, header_style="dim")
    for row, name in enumerate(names):
        table.add_row(name, *(column.cells[row] for column in kept))
    return table
