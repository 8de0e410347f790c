"""Files of external simulations: which of them a shard reads. Every fault of a file is reported in one line."""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.digest import digest_of
from bevatron.config.sections.section import Count
from bevatron.errors import UserError
from bevatron.regular_files import is_file, open_regular
from bevatron.store.files.publish import sha256_of
from bevatron.system_errors import system_fault

ByteStream = IO[bytes] | gzip.GzipFile
WHERE = "simulation.source"
LINE_BYTES = 1 << 24


@dataclass(frozen=True)
class FileRange:
    """What a shard reads: of these files, one after the other, what they hold from number `first` up to `stop`
    (excluded; None: to the end). numbers: the index of each file among all of the study.
    """

    files: tuple[Path, ...]
    numbers: tuple[int, ...]
    first: int = 0
    stop: int | None = None


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
        """The files of these paths and patterns; where a file has the very name of a pattern, that file.

        Raises UserError as `resolve_files` does.
        """
        files: list[Path] = []
        for pattern in patterns:
            path = Path(pattern)
            if any(sign in pattern for sign in "*?[") and not is_file(path):  # a file's name may be a pattern too
                root = Path(path.anchor or ".")
                try:
                    matches = sorted(m for m in root.glob(str(path.relative_to(path.anchor))) if is_file(m))
                except (ValueError, NotImplementedError) as error:
                    what = f"'{pattern}' is no pattern: {error}"
                    raise UserError(f"{WHERE}.files", what, "write ** as a folder of its own") from None
                if not matches:
                    raise UserError(f"{WHERE}.files", f"no file matches '{pattern}'", f"looked from {root.resolve()}")
                files += matches
            else:
                files.append(path)
        duplicates = sorted(path for path, count in Counter(files).items() if count > 1)
        if duplicates:
            raise UserError(f"{WHERE}.files", f"'{duplicates[0]}' is named twice", "name each file once")
        return files

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
        by which shards are known that were divided otherwise. Raises UserError as `digests` does.
        """
        names = [path.as_posix() for path in self.resolve_files()]
        return {"files": self.digests(part), "file_list": digest_of("files", names)}

    def digests(self, part: FileRange) -> dict[str, str]:
        """SHA-256 of the part's files by their paths. Raises UserError for one that is missing, empty, or other
        than `sha256` says.
        """
        digests = {}
        for path in part.files:
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
    """The file's bytes, uncompressed where it is a gzip file (by content, whatever its name).

    What goes wrong while it is read, a gzip file cut short for example, becomes a UserError.
    """
    try:
        with open_regular(path) as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if packed:
                with gzip.open(raw) as file:
                    yield file
            else:
                yield raw
    except EOFError:
        raise UserError(path, "is a gzip file that is cut short", "fetch it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UserError(path, f"is a damaged gzip file: {error}", "fetch it again") from None
    except OSError as error:
        raise system_fault(error, path) or error from None


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
