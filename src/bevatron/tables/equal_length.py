"""Of the arrays in a file those that have one row an event."""

from collections import Counter
from pathlib import Path

from bevatron.errors import UserError
from bevatron.tables.table import Column


def keep_equal_length(found: dict[str, tuple[int, Column]], path: Path) -> tuple[dict[str, Column], int]:
    """The columns with the most frequent number of rows, of `found` (rows, column) by name, and that number.

    Of two numbers equally frequent it is the larger. Raises UserError where there is no column.
    """
    if not found:
        raise UserError(path, "holds no array of numbers with a row for each event", "see what wrote the file")
    counts = Counter(rows for rows, _ in found.values())
    n_rows = max(counts, key=lambda rows: (counts[rows], rows))
    return {name: column for name, (rows, column) in found.items() if rows == n_rows}, n_rows
