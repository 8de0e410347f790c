"""Whether two of a study's files are the same: its samples would count twice, in training and in the test."""

import gzip
import hashlib
import os
import zlib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.store.files.publish import sha256_of

PIECE = 1 << 16  # bytes of both ends that are compared before all of two files is
AT_MOST = 1_000  # files of one size that are compared; the manifest compares the digests of all
GZIP_SUFFIXES = (".gz", ".gzip", ".bgz")
TRAILER = 8  # bytes at the end of a gzip file: checksum and size of what is packed
TODO = "leave one of them out"


def check_no_links(files: Iterable[Path], where: str) -> None:
    """Raises UserError, with the key `where`, for two names of one file: a link, or another way to it."""
    first: dict[tuple[int, int], Path] = {}
    for path in files:
        try:
            status = path.stat()
        except (OSError, ValueError):
            continue  # whoever reads it tells
        if not status.st_ino:
            continue  # a file system without such numbers
        other = first.setdefault((status.st_dev, status.st_ino), path)
        if other != path:
            raise UserError(where, f"'{other}' and '{path}' are one file under two names", TODO)


def check_no_copies(part: Iterable[Path], files: Iterable[Path], where: str) -> None:
    """Raises UserError, with the key `where`, where a file of `part` has the content of another one of `files`.

    A gzip file is compared with plain ones and with other gzip files by what is packed in it.
    """
    alike: dict[tuple[str, int], list[Path]] = defaultdict(list)
    for path in files:
        for size in _sizes(path):
            alike[size].append(path)
    for path in part:
        for size in _sizes(path):
            for other in alike[size][:AT_MOST]:
                if other != path and _is_same(path, other, size[0]):
                    names = sorted((str(path), str(other)))
                    raise UserError(where, f"'{names[0]}' and '{names[1]}' have the same content", TODO)


def _sizes(path: Path) -> list[tuple[str, int]]:
    """The file's size as it is, and that of what a gzip file says it holds, modulo 2^32."""
    try:
        size = path.stat().st_size
        if not size or not path.is_file():
            return []
        packed = _packed(path)
    except OSError:
        return []  # whoever reads it tells
    return [("bytes", size), ("unpacked", size % 2**32 if packed is None else packed[1])]


def _is_same(path: Path, other: Path, what: str) -> bool:
    try:
        if what == "bytes":
            return _ends(path) == _ends(other) and _digest(path) == _digest(other)
        packed = [_packed(file) for file in (path, other)]
        if packed == [None, None]:
            return False
        checksums = [
            _checksum(file) if found is None else found[0] for file, found in zip((path, other), packed, strict=True)
        ]
        # The end of a gzip file tells of its last part alone, if it has several.
        return checksums[0] == checksums[1] and _unpacked_digest(path) == _unpacked_digest(other)
    except (OSError, EOFError, zlib.error):
        return False  # whoever reads it tells


def _ends(path: Path) -> bytes:
    with path.open("rb") as file:
        first = file.read(PIECE)
        file.seek(-min(PIECE, path.stat().st_size), os.SEEK_END)
        return first + file.read(PIECE)


def _packed(path: Path) -> tuple[int, int] | None:
    """CRC-32 and size of what a gzip file holds, as its end says; None: it is none, or its end says nothing."""
    if path.suffix not in GZIP_SUFFIXES:  # a study may have thousands of files, which need not all be opened
        return None
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b" or file.seek(0, os.SEEK_END) < TRAILER:
            return None
        file.seek(-TRAILER, os.SEEK_END)
        trailer = file.read(TRAILER)
    size = int.from_bytes(trailer[4:], "little")
    return (int.from_bytes(trailer[:4], "little"), size) if size else None


def _checksum(path: Path) -> int:
    return _of_content(path, path.stat().st_mtime_ns, "crc32")


def _digest(path: Path) -> str:
    return _of_content(path, path.stat().st_mtime_ns, "sha256")


def _unpacked_digest(path: Path) -> str:
    return _of_content(path, path.stat().st_mtime_ns, "unpacked sha256")


@cache
def _of_content(path: Path, changed: int, what: str) -> Any:
    """A number of the content, kept for as long as the file is the same."""
    if what == "sha256":
        return sha256_of(path)
    if what == "unpacked sha256":
        with gzip.open(path) if _packed(path) else path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    value = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            value = zlib.crc32(piece, value)
    return value
