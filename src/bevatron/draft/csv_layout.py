"""How a CSV file is laid out: what separates its columns, and whether its first line has their names."""

import io
import lzma
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

from bevatron.errors import UserError
from bevatron.tables.csv_text import open_text
from bevatron.tables.open_table import TableOptions

LINES, BYTES = 20, 1 << 20
SEPARATORS = (",", ";", "\t", "|", r"\s+")
NO_NUMBERS = ("nan", "inf", "infinity", "na", "null", "none")  # float() takes some, and some stand for a missing number


def csv_options(path: Path, options: TableOptions) -> TableOptions:
    """The options with the separator and the header of this file, found from its first lines."""
    from dataclasses import replace

    lines = _first_lines(path)
    if not lines:
        return options
    separator = max(SEPARATORS, key=lambda sign: (_columns(lines, sign), -SEPARATORS.index(sign)))
    first = [part.strip().strip("\"'") for part in _split(lines[0], separator)]
    header = not all(_is_number(part) for part in first)
    return replace(options, separator=separator, header=header)


def _columns(lines: list[str], separator: str) -> int:
    """The number of columns where all lines have as many, else 0; 1 counts as none."""
    counts = {len(_split(line, separator)) for line in lines}
    return counts.pop() if len(counts) == 1 and counts != {1} else 0


def _split(line: str, separator: str) -> list[str]:
    import csv

    if separator == r"\s+":
        return line.split()
    with suppress(csv.Error):  # bytes that are no text
        return next(csv.reader([line], delimiter=separator), [])
    return []


def _is_number(text: str) -> bool:
    if text.lower() in NO_NUMBERS or not text:
        return True
    with suppress(ValueError):
        float(text)
        return True
    return False


def _first_lines(path: Path) -> list[str]:
    """Up to LINES whole lines; none of a file that cannot be read, which its reader reports."""
    with suppress(UserError, OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, ValueError):
        with open_text(path) as file:
            text = file.read(BYTES)
        lines = io.StringIO(text).readlines()
        if len(text) >= BYTES and len(lines) > 1:
            lines = lines[:-1]  # the last may be cut
        return [line.rstrip("\r\n") for line in lines if line.strip()][:LINES]
    return []
