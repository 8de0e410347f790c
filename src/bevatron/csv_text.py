"""CSV tables that Bevatron wrote, read again: every way in which that can fail is a ValueError."""

import csv
import io
from pathlib import Path

from bevatron.regular_files import read_text


def read_rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows by the names in the first line.

    Raises as `read_text` does, and ValueError for what is no table: text that is not UTF-8, a column that stands twice,
    a row with more or fewer cells than the first line, a cell of absurd length.
    """
    reader = csv.reader(io.StringIO(read_text(path).removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    try:
        head = next(reader, [])
        if len(set(head)) < len(head):
            raise ValueError("a column stands twice in the first line")
        rows = []
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(head):
                raise ValueError(f"line {reader.line_num} has {len(cells)} cells, the first line {len(head)}")
            rows.append(dict(zip(head, cells, strict=True)))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    return rows
