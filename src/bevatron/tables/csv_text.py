"""The text of a CSV file: unpacked, decoded, its first line, and rows that are not of one length."""

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from bevatron.errors import UserError
from bevatron.regular_files import open_regular

SIGNS = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
ZIP, ZSTD = b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
MARKS = {  # the longer ones first
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"\xef\xbb\xbf": "utf-8-sig",
}
LINE_BYTES = 1 << 24
BLANKS = r"\s+"  # as pandas says it: any number of blanks and tabulators


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """The file's text, unpacked (gzip, bzip2, xz, zip, zstd) and decoded by its mark of Unicode, else as UTF-8.

    Bytes that are no UTF-8 become U+FFFD. Raises UserError for a text with zero bytes.
    """
    with ExitStack() as stack:
        raw = stack.enter_context(open_regular(path))
        checked = _Checked(_unpacked(raw, path, stack), path)
        binary = io.BufferedReader(checked, 1 << 18)
        start = binary.peek(4)[:4]
        encoding = next((name for mark, name in MARKS.items() if start.startswith(mark)), "utf-8")
        checked.check = encoding in ("utf-8", "utf-8-sig")
        if checked.check and b"\0" in binary.peek(1):
            raise _zero_bytes(path)
        yield stack.enter_context(io.TextIOWrapper(binary, encoding, "replace", newline=""))


def _unpacked(raw: Any, path: Path, stack: ExitStack) -> Any:
    start = raw.read(6)
    raw.seek(0)
    for sign, unpack in SIGNS.items():
        if start.startswith(sign):
            return stack.enter_context(unpack(raw))
    if start.startswith(ZIP):
        archive = stack.enter_context(zipfile.ZipFile(raw))
        members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX/")]
        if len(members) != 1:
            raise UserError(path, f"holds {len(members)} files, not one table", "unpack it, and name the tables")
        return stack.enter_context(archive.open(members[0]))
    if start.startswith(ZSTD):
        try:
            import pyarrow as pa
        except ImportError:
            raise UserError(
                "pyarrow", "is not installed, and unpacks zstd", "pip install 'bevatron[formats]'"
            ) from None
        return stack.enter_context(pa.CompressedInputStream(raw, "zstd"))
    return raw


class _Checked(io.RawIOBase):
    """A stream of bytes among which no zero may be, for pandas would take it for the end of a number, and no line that
    fills the memory.
    """

    def __init__(self, stream: Any, path: Path):
        self._stream, self._path, self.check, self._line = stream, path, False, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(len(buffer))
        if self.check and b"\0" in piece:
            raise _zero_bytes(self._path)
        end = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        self._line = self._line + len(piece) if end < 0 else len(piece) - end
        if self._line > LINE_BYTES:
            raise UserError(self._path, f"has a line of more than {LINE_BYTES >> 20} MB", "see what wrote it")
        buffer[: len(piece)] = piece
        return len(piece)


def _zero_bytes(path: Path) -> UserError:
    return UserError(path, "has zero bytes: it is no text, or a text of UTF-16 without a mark", "write it as UTF-8")


def first_row(path: Path, separator: str) -> list[str]:
    """The fields of the first line that is not empty. Raises UserError for a file without."""
    with open_text(path) as text:
        for row in _rows(text, separator):
            if any(field.strip() for field in row) or len(row) > 1:
                return [field.strip() for field in row]
    raise UserError(path, "holds no column", "take it out of the files")


def _rows(text: TextIO, separator: str) -> Iterator[list[str]]:
    """The fields of each line; with the separator BLANKS a line has no quotes."""
    if separator == BLANKS:
        return (line.split() for line in text)
    return csv.reader(text, delimiter=separator, skipinitialspace=True)


def check_names(names: list[str], path: Path) -> list[str]:
    """The columns' names, 'Unnamed: k' for those without. Raises UserError for one that is there twice."""
    named = [name or f"Unnamed: {k}" for k, name in enumerate(names)]
    repeated = [name for name, count in Counter(named).items() if count > 1]
    if repeated:
        raise UserError(path, f"has {named.count(repeated[0])} columns '{repeated[0]}'", "give each a name of its own")
    return named


def check_lengths(path: Path, separator: str, width: int) -> None:
    """Raises UserError, with the line, for the first row that has not `width` fields."""
    with open_text(path) as text:
        reader = _rows(text, separator)
        for number, row in enumerate(reader, 1):
            if row and len(row) != width and (len(row) > 1 or row[0].strip()):
                what = f"has {len(row)} fields, where {width} columns are"
                line = getattr(reader, "line_num", number)
                raise UserError(f"{path}:{line}", what, "correct the line, or set simulation.source.separator")
