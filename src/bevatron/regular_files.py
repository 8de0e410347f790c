"""Reading files that somebody named: ordinary files alone, and never more of one than makes sense.

A pipe blocks whoever opens it, a device may do anything, and a file with holes can be larger than any disk. Links to
ordinary files are followed: people's own files often lie behind one.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from bevatron.errors import SystemFault, UserError
from bevatron.system_errors import telling_system_faults

TEXT_BYTES = 1 << 28  # of a file of text that Bevatron wrote: the manifest of 100,000 shards has a third of that
TENSOR_BYTES = 1 << 36
KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def require_regular(path: Path) -> os.stat_result:
    """The file's status, without opening it.

    Raises UserError for anything but a file, SystemFault for an error of the system, FileNotFoundError where there is
    none.
    """
    with telling_system_faults(path):
        status = os.stat(path)
    _check_regular(path, status)
    return status


def is_file(path: Path) -> bool:
    """Whether an ordinary file is there. Raises SystemFault where the system does not say."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether a folder is there. Raises SystemFault where the system does not say."""
    return stat.S_ISDIR(_mode(path))


def is_there(path: Path) -> bool:
    """Whether anything is there. Raises SystemFault where the system does not say."""
    return _mode(path) != 0


def _mode(path: Path) -> int:
    """The kind of what is there; 0 of nothing, which a loop of links and a folder that is a file come to."""
    try:
        with telling_system_faults(path):
            return os.stat(path).st_mode
    except FileNotFoundError:
        return 0
    except ValueError:  # a name with a zero byte
        return 0
    except SystemFault as fault:
        if isinstance(fault.__cause__, OSError) and fault.__cause__.errno in (errno.ENOTDIR, errno.ELOOP):
            return 0
        raise


def open_regular(path: Path) -> BufferedReader:
    """The file, open for reading bytes. Raises as `require_regular` does."""
    require_regular(path)
    with telling_system_faults(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # it may be another file by now
    try:
        with telling_system_faults(path):
            _check_regular(path, os.fstat(descriptor))
            return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_bytes(path: Path, max_bytes: int = TENSOR_BYTES) -> bytes:
    """The file's content. Raises as `require_regular` does, and UserError for a file of more than `max_bytes`."""
    with open_regular(path) as file, telling_system_faults(path):
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise UserError(path, f"has {size:,} bytes; at most {max_bytes:,} are read", "see what wrote it")
        return file.read(size + 1)


def read_text(path: Path, max_bytes: int = TEXT_BYTES) -> str:
    """The file's UTF-8 text. Raises as `read_bytes` does, and UnicodeDecodeError."""
    return read_bytes(path, max_bytes).decode("utf-8")


def _check_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise UserError(path, f"is {kind}, not a file", "name an ordinary file, or remove it and make the file again")
