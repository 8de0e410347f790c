"""CSV tables as a spreadsheet opens them right, and the same read again.

A spreadsheet computes a text that begins with =, +, - or @, and makes a time of the text `1:50:1` and a date of `1-2`.
Names and titles of a study can be any of these, so such a text is written with an apostrophe before it. Numbers are
written with a decimal point, as all programs but a spreadsheet of another language expect them.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bevatron.regular_files import read_text

# What a spreadsheet computes (also in its full-width form), or reads as a time or a date.
_COMPUTED = re.compile(r"'*([=+\-@\t\n\uff1d\uff0b\uff0d\uff20]|\d+:\d+|\d+[-/]\d+([-/]\d+)?$|\d+\.\d+\.\d+$)")


def format_rows(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV. Texts that a spreadsheet would take for something else are guarded, numbers are as they are."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    # The writer leaves a carriage return without quotes, and readers take it for the end of a line.
    writer.writerows(
        [guard(cell.replace("\r", " ")) if isinstance(cell, str) else cell for cell in row] for row in rows
    )
    return text.getvalue()


def encode_table(text: str) -> bytes:
    """UTF-8; with the mark by which Excel knows it, where there is anything beyond ASCII."""
    return text.encode("utf-8" if text.isascii() else "utf-8-sig")


def guard(text: str) -> str:
    """The text of a cell, with an apostrophe before it where a spreadsheet would not show it as it is."""
    return f"'{text}" if _COMPUTED.match(text) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and guard(text[1:]) == text else text


def read_rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """The rows by the names in the first line.

    Raises as `read_text` does, and ValueError for what is no table: text that is not UTF-8, a column that stands twice,
    a row with more or fewer cells than the first line, a cell of absurd length. An apostrophe that `format_rows` put
    before a text is taken away again.
    """
    reader = csv.reader(io.StringIO(read_text(path).removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    try:
        head = [_unguarded(name) for name in next(reader, [])]
        if len(set(head)) < len(head):
            raise ValueError("a column stands twice in the first line")
        rows = []
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(head):
                raise ValueError(f"line {reader.line_num} has {len(cells)} cells, the first line {len(head)}")
            rows.append({name: _unguarded(cell) for name, cell in zip(head, cells, strict=True)})
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    return rows
