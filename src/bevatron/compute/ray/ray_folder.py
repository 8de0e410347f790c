"""The private temporary folder of a Ray cluster, and what is left of those whose processes were killed."""

import fcntl
import logging
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from bevatron.compute.process.private_folder import is_private
from bevatron.errors import UserError
from bevatron.system_errors import NO_LOCKS

log = logging.getLogger("bevatron")
SOCKET_PATH_LIMIT = 107  # of a unix socket's path, on Linux
SOCKET_PATH_TAIL = len("/bv-1234567890-12345678/r/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store")


def base_folder() -> Path:
    """The temporary folder, or /tmp where its name is too long for the unix sockets inside."""
    for base in (tempfile.gettempdir(), "/tmp"):
        if len(base) + SOCKET_PATH_TAIL <= SOCKET_PATH_LIMIT and os.access(base, os.W_OK | os.X_OK):
            return Path(base)
    raise UserError(
        tempfile.gettempdir(),
        "is too long a name for Ray's temporary folder, or not writable",
        "set TMPDIR to another",
    )


def own_folder(base: Path, prefix: str = "bv-") -> tuple[Path, TextIO]:
    """A new folder that only this user can enter, and the open file whose lock says that it is in use.

    Ray makes its own folder writable for everybody, so it lies one level further down.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    lock = open(folder / "lock", "w")  # noqa: SIM115  (open as long as the session)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:  # without locks `remove_stale` removes nothing there, so no folder in use is at risk
        if error.errno not in NO_LOCKS:
            raise
    return folder, lock


def remove_stale(base: Path) -> None:
    """Remove folders of sessions whose process and watchdog were killed: nobody holds their lock.

    Everybody can make such names in a shared folder: links are not followed, and only folders that this user alone can
    write to are looked into.
    """
    for folder in base.glob("bv-*"):
        with suppress(OSError):
            if not is_private(folder):
                continue
            lock = os.open(folder / "lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                state = os.fstat(lock)
                if not stat.S_ISREG(state.st_mode) or time.time() - state.st_mtime < 60:  # it may be about to be locked
                    continue
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
            finally:
                os.close(lock)


def remove(folder: Path) -> None:
    """Remove a session's folder; the lock goes last, as without it nobody would see later that the rest is stale."""
    shutil.rmtree(folder / "r", ignore_errors=True)
    if not (folder / "r").exists():
        shutil.rmtree(folder, ignore_errors=True)


def keep_logs(folder: Path, logs: Path) -> None:
    """Copy Ray's logs from below its private folder into `logs`."""
    with suppress(OSError):
        shutil.copytree(folder / "r" / "session_latest" / "logs", logs, dirs_exist_ok=True, symlinks=True)
        for path in folder.glob("*.log"):  # of the process that forks for Ray
            if path.stat().st_size:
                shutil.copy(path, logs)
        log.error("Ray's own logs are kept in %s", logs)
