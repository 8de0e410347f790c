"""ROOT files opened by uproot, whatever their names, and every way in which that fails in one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.regular_files import open_regular, require_regular
from bevatron.system_errors import system_fault

PLAIN_NAME = re.compile(r"[\w./+,=-]+", re.ASCII)  # which uproot takes as it is


@contextmanager
def open_root(path: Path) -> Iterator[Any]:
    """The file, open. Raises UserError where uproot is missing, and for what is no file.

    uproot takes a name with a colon for an address, one that begins with ~ for somebody's home, and leaves blanks out.
    """
    try:
        import uproot
    except ImportError:
        raise UserError("uproot", "is not installed, and reads ROOT files", "pip install 'bevatron[formats]'") from None
    require_regular(path)
    opened: Any = uproot.open
    name = str(path.absolute())
    if PLAIN_NAME.fullmatch(name):
        with opened(name) as file:
            yield file
    else:
        with open_regular(path) as raw, opened(raw) as file:
            yield file


@contextmanager
def root_faults(path: Path, expected: str = "give files of ROOT") -> Iterator[None]:
    """Every way in which uproot fails to read a file, as one UserError that names it.

    A damaged file can mislead it anywhere: what it raises then is any exception.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(path, "no such file", "paths start from the working folder") from None
    except NotImplementedError as error:
        raise UserError(path, f"is written in a way that uproot does not read: {error}", "write it again") from None
    except Exception as error:
        if fault := system_fault(error, path):
            raise fault from None
        if not _is_root(path):
            raise UserError(path, "is no ROOT file", expected) from None
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(path, f"is cut short or damaged: {reason}", "fetch it again") from None


def _is_root(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"root"
    except OSError:
        return False
