"""Atomic publication: a file appears under its name complete, verified and on the disk, or not at all.

A file is written under a temporary name in the same folder, checked, flushed to the disk (fsync) and renamed
over its name, which POSIX does in one step; then the folder is flushed too, so that the name survives a power
cut.
"""

import errno
import hashlib
import json
import os
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.regular_files import open_regular
from bevatron.system_errors import telling_system_faults

STALE_SECONDS = 86_400.0  # a part of another host, whose processes cannot be asked for, is dead after a day


@contextmanager
def publishing(path: Path, check: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Yields a temporary path beside `path` to write to; on success that file becomes `path`.

    `check` gets the closed temporary file and raises UserError to refuse it. Whatever goes wrong, the
    temporary file is removed, and a file already published under `path` stays as it was. A machine's fault
    (full disk, unwritable folder) is raised as UserError. Temporary files of `path` that killed processes
    left are removed.
    """
    path = Path(path)
    part = path.parent / f".{path.name}.{_owner()}.{secrets.token_hex(4)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale_parts(path)
        yield part
        if check is not None:
            check(part)
        flush(part)
        os.replace(part, path)
        flush(path.parent)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        fault = None if isinstance(error, UserError) else machine_fault(error, path, part)
        if fault is None:
            raise
        raise fault from error


def publish_bytes(path: Path, content: bytes) -> None:
    """`content` as the file `path`, atomically."""
    with publishing(path) as part:
        part.write_bytes(content)


def publish_text(path: Path, text: str) -> None:
    """`text` as the UTF-8 file `path`, atomically."""
    publish_bytes(path, text.encode())


def publish_json(path: Path, value: Any) -> None:
    """`value` as indented JSON, atomically; equal values give equal bytes. NaN and infinities are refused."""
    publish_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's content, as 64 hexadecimal digits. Raises UserError as `require_regular` does."""
    with open_regular(path) as file, telling_system_faults(path):
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Waits until the file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (
            errno.EINVAL,
            errno.ENOTSUP,
        ):  # some network file systems cannot flush a folder
            raise
    finally:
        os.close(descriptor)


def remove_stale_parts(path: Path) -> None:
    """Removes parts of `path` whose process has died: told on this host by its number, elsewhere by age."""
    for part in path.parent.glob(f".{_escape(path.name)}.*.part"):
        match = re.fullmatch(rf"\.{re.escape(path.name)}\.(.+)-(\d+)\.[0-9a-f]+\.part", part.name)
        if not match:
            continue
        host, pid = match[1], int(match[2])
        with suppress(OSError):
            dead = not _alive(pid) if host == _host() else time.time() - part.stat().st_mtime > STALE_SECONDS
            if dead:
                part.unlink(missing_ok=True)


def machine_fault(error: BaseException, path: Path, part: Path | None = None) -> UserError | None:
    """The UserError for a fault of the machine while writing `path`; None for any other error.

    HDF5 passes the system's error number on in the text of an OSError or RuntimeError.
    """
    number = _number_of(error)
    if number is None:
        return None
    where = path
    named = getattr(error, "filename", None)
    if named is not None and (part is None or Path(os.fsdecode(named)) != part):
        where = Path(os.fsdecode(named))
    again = "then run the same command again; nothing half-written was left"
    what, todo = _FAULTS.get(
        number, (f"cannot be written: {os.strerror(number)}", "see whether the disk and its mount are well")
    )
    return UserError(where, what, f"{todo}, {again}")


_FAULTS = {
    errno.ENOSPC: (
        "cannot be written: the disk is full",
        "free some space or choose another folder for the results",
    ),
    errno.EDQUOT: (
        "cannot be written: your disk quota is used up",
        "free some space or choose another folder",
    ),
    errno.EACCES: ("cannot be written: no permission", "make the folder writable or choose another one"),
    errno.EPERM: ("cannot be written: not permitted", "make the folder writable or choose another one"),
    errno.EROFS: ("cannot be written: the file system is read-only", "choose another folder"),
    errno.ENOENT: ("no such file or folder", "see whether it was removed meanwhile"),
    errno.ENOTDIR: (
        "cannot be written: a file stands where a folder is needed",
        "remove or rename that file",
    ),
    errno.EEXIST: ("cannot be written: a file stands where a folder is needed", "remove or rename that file"),
    errno.EISDIR: (
        "cannot be written: a folder stands where the file belongs",
        "remove or rename that folder",
    ),
    errno.EIO: ("cannot be written: the disk reports an input/output error", "see whether the disk is well"),
}


def _number_of(error: BaseException) -> int | None:
    if not isinstance(error, OSError | RuntimeError):
        return None
    text = str(error)
    if match := re.search(r"errno = (\d+)", text):
        return int(match[1])
    if os.strerror(errno.ENOSPC) in text:
        return errno.ENOSPC
    return error.errno if isinstance(error, OSError) else None


def _owner() -> str:
    return f"{_host()}-{os.getpid()}"


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", socket.gethostname()) or "host"


def _escape(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
