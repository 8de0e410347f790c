"""Errors of the operating system while a file is read, in words: what happened, and what to do about it.

A lock that a file system does not have, a stale handle, a disk's error or an expired ticket say nothing about the
content of a file. So none of these is called damage, and none advises to delete the file.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bevatron.errors import SystemFault

ENOTSUPP = 524  # of the kernel's own; some file systems let it out
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, ENOTSUPP)  # what flock answers where there is none
AGAIN = "then run the same command again"
_NUMBER = re.compile(r"errno(?:\s*=\s*|\s+)(\d+)", re.IGNORECASE)  # HDF5: "errno = 5"; Python and Arrow: "[Errno 5]"
_OF_HDF5 = re.compile(r"errno = (\d+), error message")

_NOT_READ = "cannot be read"
_SERVER = (f"{_NOT_READ}: its file server does not answer", f"see whether its mount is well, {AGAIN}")
_TICKET = (f"{_NOT_READ}: your ticket for its file system has expired", f"renew it (kinit, aklog), {AGAIN}")
_RIGHT = (f"{_NOT_READ}: no permission", "ask its owner to make it readable")
_DISK = (f"{_NOT_READ}: the disk reports an error", f"see whether the disk and its mount are well, {AGAIN}")
_TOO_MANY = (f"{_NOT_READ}: too many files are open", f"raise the limit (ulimit -n), {AGAIN}")
_WORDS = {
    errno.EACCES: _RIGHT,
    errno.EPERM: _RIGHT,
    errno.EIO: _DISK,
    errno.EREMOTEIO: _DISK,
    errno.ENXIO: _DISK,
    errno.ENODEV: _DISK,
    errno.EBADMSG: _DISK,
    errno.EUCLEAN: _DISK,
    errno.ESTALE: (
        f"{_NOT_READ}: its handle is stale, as its file server has moved or replaced it",
        "run the same command again, or mount the file system again",
    ),
    errno.ETIMEDOUT: _SERVER,
    errno.EHOSTDOWN: _SERVER,
    errno.EHOSTUNREACH: _SERVER,
    errno.ENETDOWN: _SERVER,
    errno.ENETUNREACH: _SERVER,
    errno.ENOTCONN: _SERVER,
    errno.ECONNRESET: _SERVER,
    errno.ECONNREFUSED: _SERVER,
    errno.ECONNABORTED: _SERVER,
    errno.ESHUTDOWN: _SERVER,
    errno.ENOKEY: _TICKET,
    errno.EKEYEXPIRED: _TICKET,
    errno.EKEYREVOKED: _TICKET,
    errno.EKEYREJECTED: _TICKET,
    errno.EMFILE: _TOO_MANY,
    errno.ENFILE: _TOO_MANY,
    errno.ENOMEM: (f"{_NOT_READ}: the memory is full", f"end other programs or ask for more memory, {AGAIN}"),
    errno.EBUSY: (f"{_NOT_READ}: it is busy", "run the same command again"),
    errno.EAGAIN: (f"{_NOT_READ}: it is busy", "run the same command again"),
    errno.EINTR: (f"{_NOT_READ}: the reading was interrupted", "run the same command again"),
    errno.EISDIR: (f"{_NOT_READ}: it is a folder", "name a file"),
    errno.ENOTDIR: (f"{_NOT_READ}: a part of its path is a file, not a folder", "fix the path"),
    errno.ELOOP: (f"{_NOT_READ}: its links lead in a circle", "fix the link"),
    errno.ENAMETOOLONG: (f"{_NOT_READ}: its name is too long", "name another"),
}
_OTHER = (_NOT_READ, f"see whether the disk and its mount are well, {AGAIN}")
_LOCKING = "unable to lock file"  # HDF5's words
_UNLOCKED = "export HDF5_USE_FILE_LOCKING=FALSE"
_NO_LOCK = ("cannot be locked: its file system has no locks", f"{_UNLOCKED}, or mount it with locks, {AGAIN}")
_LOCKED = ("cannot be locked: another process has a lock on it", f"wait for that process, or {_UNLOCKED}, {AGAIN}")


def system_fault(error: BaseException, path: object) -> SystemFault | None:
    """What to tell of an error of the system while `path` was read; None for an error of any other kind.

    HDF5 and Arrow pass the system's number on in the text of their errors. A file that is not there is no fault of the
    system: None.
    """
    number = error_number(error)
    if number is None or number == errno.ENOENT:
        return None
    if number in NO_LOCKS:
        what, todo = _NO_LOCK
    elif _LOCKING in str(error):
        what, todo = _LOCKED
    else:
        what, todo = _WORDS.get(number, _OTHER)
    return SystemFault(path, f"{what} (errno {number}: {_describe(number)})", todo)


@contextmanager
def telling_system_faults(path: Path) -> Iterator[None]:
    """Errors of the system become SystemFault; a file that is missing stays FileNotFoundError, all else as it is."""
    try:
        yield
    except OSError as error:
        fault = system_fault(error, path)
        if fault is None:
            raise
        raise fault from error


def error_number(error: BaseException) -> int | None:
    """The system's number of an error, where it has one."""
    number = error.errno if isinstance(error, OSError) else None
    pattern = _NUMBER if isinstance(error, OSError | RuntimeError) else _OF_HDF5  # h5py: KeyError for an object's read
    if number is None and (match := pattern.search(str(error))):
        number = int(match[1])
    return number or None


def _describe(number: int) -> str:
    return "operation not supported" if number == ENOTSUPP else os.strerror(number)
