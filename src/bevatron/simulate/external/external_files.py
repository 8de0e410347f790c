"""Files of external simulations: which of them a shard reads. Every fault of a file is reported in one line."""

import bz2
import gzip
import lzma
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO

from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.digest import digest_of
from bevatron.config.sections.section import Count
from bevatron.errors import UserError
from bevatron.regular_files import is_file, open_regular, require_regular
from bevatron.simulate.external.division import Piece
from bevatron.simulate.external.file_patterns import find_files
from bevatron.simulate.external.same_content import check_no_copies, check_no_links
from bevatron.store.files.publish import sha256_of
from bevatron.system_errors import system_fault

ByteStream = IO[bytes] | gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
UNPACK = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
WHERE = "simulation.source"
LINE_BYTES = 1 << 24


@dataclass(frozen=True)
class FileRange:
    """What a shard reads: of these files, one after the other, what they hold from number `first` up to `stop`
    (excluded; None: to the end), or of each of them its piece. numbers: the index of each file among all of the study.
    """

    files: tuple[Path, ...]
    numbers: tuple[int, ...]
    first: int = 0
    stop: int | None = None
    pieces: tuple[Piece, ...] = ()


class FileOptions(kinds.Options):
    """Which files, and how they are divided over the shards; shard k does not depend on how many there are."""

    files: list[str] = Field(
        description="paths or patterns (*, ?, **) relative to the working folder, in their order; the files of a "
        "pattern in that of their names",
        min_length=1,
    )
    per_shard: Count | None = Field(
        default=None,
        description="events (lines, of a text) of each shard, counted through all files; default: one file, one shard, "
        "which is the fastest, as nothing has to be skipped",
        lt=2**24,
    )
    sha256: dict[str, str] = Field(default={}, description="by a file's name, the digest that its content must have")

    def patterns(self) -> list[str]:
        """All paths and patterns, in their order."""
        return self.files

    def resolve_files(self) -> list[Path]:
        """All files, in their order. Raises UserError for a pattern without a file, and a file named twice."""
        return self.resolve(self.patterns())

    @staticmethod
    def resolve(patterns: list[str]) -> list[Path]:
        """The files of these paths and patterns. Raises UserError as `resolve_files` does."""
        files = [path for pattern in patterns for path in find_files(pattern, f"{WHERE}.files")]
        duplicates = sorted(path for path, count in Counter(files).items() if count > 1)
        if duplicates:
            raise UserError(f"{WHERE}.files", f"'{duplicates[0]}' is named twice", "name each file once")
        check_no_links(files, f"{WHERE}.files")
        return files

    def n_shards(self) -> int | None:
        """As many shards as the files make; None where that is known only once they were read."""
        return len(self.resolve_files()) if self.per_shard is None else None

    def part(self, shard: int) -> FileRange:
        """What shard number `shard` reads; UserError where there are fewer files than shards."""
        return self._part(self.resolve_files(), shard)

    def files_by_shard(self, shards: int) -> list[list[Path]]:
        """For each of so many shards the files whose change makes it outdated."""
        files = self.resolve_files()
        return [list(self._part(files, shard).files) for shard in range(shards)]

    def _part(self, files: list[Path], shard: int) -> FileRange:
        if self.per_shard is not None:
            first = shard * self.per_shard
            return FileRange(tuple(files), tuple(range(len(files))), first, first + self.per_shard)
        if shard >= len(files):
            todo = f"set simulation.shards to at most {len(files)}, or give {WHERE}.per_shard"
            raise UserError(f"{WHERE}.files", f"{len(files)} files, one a shard, and none for shard {shard}", todo)
        return FileRange((files[shard],), (shard,))

    def attributes(self, part: FileRange) -> dict[str, object]:
        """The attributes of a shard about its files: the SHA-256 of those it read, and a digest of all their names,
        by which shards are known that were divided otherwise. Raises UserError as `digests` does, and for a file of
        the shard whose content another file of the study has too.
        """
        files = self.resolve_files()
        check_no_copies(part.files, files, f"{WHERE}.files")
        if unknown := [name for name in self.sha256 if name not in {path.name for path in files}]:
            near = get_close_matches(unknown[0], [path.name for path in files], n=1)
            todo = f"did you mean '{near[0]}'?" if near else "name a file by its last part, without folders"
            raise UserError(f"{WHERE}.sha256", f"none of the files is named '{unknown[0]}'", todo)
        names = [path.as_posix() for path in files]
        return {"files": self.digests(part), "file_list": digest_of("files", names)}

    def digests(self, part: FileRange) -> dict[str, str]:
        """SHA-256 of the part's files by their paths. Raises UserError for one that is missing, empty, or other
        than `sha256` says.
        """
        digests = {}
        for path in part.files:
            if path.exists():
                require_regular(path)
            if not is_file(path):
                raise UserError(path, "no such file", f"fix {WHERE}.files; paths start from the working folder")
            if path.stat().st_size == 0:
                raise UserError(path, "is empty", "fetch it again, or take it out of the files")
            digests[path.as_posix()] = digest = sha256_of(path)
            expected = self.sha256.get(path.name, digest).lower()
            if expected != digest:
                what = f"has the SHA-256 {digest[:12]}…, the study says {expected[:12]}…"
                raise UserError(path, what, f"fetch the right file, or fix {WHERE}.sha256")
        return digests


def too_few_events(part: FileRange, shard: int, available: int, what: str) -> UserError:
    """For a shard that begins beyond the last event of all files, or files without any."""
    if available == 0 or part.stop is None:
        return UserError(", ".join(map(str, part.files)), f"holds no {what}", "take it out of the files")
    shards = -(-available // (part.stop - part.first))
    return UserError(
        f"shard {shard}",
        f"the files hold {available} {what}, enough for the shards 0 to {shards - 1}",
        f"set simulation.shards to {shards}",
    )


@contextmanager
def open_plain_or_gzip(path: Path) -> Iterator[ByteStream]:
    """The file's bytes, uncompressed where it is a gzip, bzip2 or xz file (by content, whatever its name).

    What goes wrong while it is read, a gzip file cut short for example, becomes a UserError.
    """
    kind = ""
    try:
        with open_regular(path) as raw:
            start = raw.read(6)
            raw.seek(0)
            kind = next((name for sign, name in PACKED.items() if start.startswith(sign)), "")
            if kind:
                with UNPACK[kind](raw) as file:
                    yield file
            else:
                yield raw
    except EOFError:
        raise UserError(path, f"is a {kind} file that is cut short", "fetch it again") from None
    except (gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise UserError(path, f"is a damaged {kind} file: {error}", "fetch it again") from None
    except OSError as error:
        if kind and error.errno is None:  # bzip2's word for damage
            raise UserError(path, f"is a damaged {kind} file: {error}", "fetch it again") from None
        raise system_fault(error, path) or error from None


@contextmanager
def refuse_changes(part: FileRange) -> Iterator[None]:
    """Raises UserError where a file of the part is another at the end than at the beginning, or is gone.

    Its digest, which a shard keeps, would be that of another content than the samples are from.
    """
    before = [_state(path) for path in part.files]
    try:
        yield
    finally:
        changed = [path for path, state in zip(part.files, before, strict=True) if state and _state(path) != state]
        if changed:
            what = "was changed while it was read" if changed[0].exists() else "was removed while it was read"
            raise UserError(changed[0], what, "simulate the shard again when nobody writes to it") from None


def _state(path: Path) -> tuple[int, ...] | None:
    """What differs once a file was written to or replaced; None: there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def read_lines(file: ByteStream, path: Path) -> Iterator[bytes]:
    """The lines of an open file. Raises UserError for one that no file of this kind has: it would fill the memory."""
    number = 1
    while text := file.readline(LINE_BYTES + 1):
        if len(text) > LINE_BYTES:
            what = f"the line is longer than {LINE_BYTES >> 20} MB"
            raise UserError(f"{path}:{number}", what, "see what wrote the file, or fetch it again")
        yield text
        number += 1


def missing_package(package: str, what: str) -> UserError:
    """For an optional package that is not installed."""
    return UserError(package, f"is not installed, and reads {what}", "pip install 'bevatron[formats]'")
