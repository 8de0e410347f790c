"""The files that a path or a pattern of the study names."""

import os
import re
from pathlib import Path

from bevatron.errors import UserError

SIGNS = "*?["


def find_files(pattern: str, where: str) -> list[Path]:
    """The files of a path, or of a pattern (*, ?, [...], **) relative to the working folder, by their names.

    A name with one of the signs of patterns is that of a file, where there is one. Raises UserError, with the key
    `where`, for a pattern without a file, one that is the name of a file and matches others too, and a name that is no
    UTF-8: neither a manifest nor a study's file can hold it.
    """
    path = Path(pattern)
    if not any(sign in pattern for sign in SIGNS):
        return [_checked(path, where)]
    root = Path(path.anchor or ".")
    try:
        matches = sorted(m for m in root.glob(str(path.relative_to(path.anchor))) if m.is_file())
    except (ValueError, NotImplementedError, IndexError, re.error) as error:
        matches = []
        if not _is_file(path):
            raise UserError(where, f"'{pattern}' is no pattern: {error}", "see Python's pathlib.Path.glob") from None
    if _is_file(path):
        others = [match for match in matches if match != path]
        if others:
            what = f"'{pattern}' is the name of a file, and a pattern that matches '{others[0]}' too"
            alone = re.sub(r"([*?[])", r"[\1]", pattern)
            raise UserError(where, what, f"write '{alone}' for that file alone, and name the others beside it")
        return [_checked(path, where)]
    if not matches:
        raise UserError(where, f"no file matches '{pattern}'", f"looked from {root.resolve()}")
    return [_checked(match, where) for match in matches]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long, for example
        return False


def _checked(path: Path, where: str) -> Path:
    raw = os.fsencode(path)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(where, f"the file name {raw!r} is not UTF-8", "rename the file") from None
    if "\0" in str(path):
        raise UserError(where, f"the file name {raw!r} has a zero byte, which no file has", "correct it")
    return path
