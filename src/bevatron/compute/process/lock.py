"""One process at a time for the live state of a run or a search; the others wait for it."""

import contextlib
import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from bevatron.compute.process.sigterm import StopRequested, end_on_sigterm, restore_sigterm
from bevatron.errors import UserError
from bevatron.store.files.publish import machine_fault
from bevatron.system_errors import NO_LOCKS

LOCK = "lock"
POLL_SECONDS = 1.0

log = logging.getLogger("bevatron")


@contextlib.contextmanager
def sole_owners(folders: list[Path], what: str) -> Iterator[None]:
    """Hold the locks of all these folders; `what` they are, as in 'run'. The same folder may be named twice.

    They are taken in the order of the folders' names: of two processes that want some of the same, none waits for the
    other while the other waits for it.
    """
    with contextlib.ExitStack() as stack:
        for folder in sorted(set(folders)):
            stack.enter_context(sole_owner(folder, what))
        yield


@contextlib.contextmanager
def sole_owner(folder: Path, what: str) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when the process ends, however it ends.

    Where another process holds it (it works with equal settings, or outlived the Snakemake that started it) this one
    waits, and says once for whom. It must not be entered again within. Raises UserError where SIGTERM ends the waiting,
    and where the file system has no locks.
    """
    path = folder / LOCK
    file = _acquire(path, what)
    try:
        file.truncate(0)
        file.write(f"{os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield
    finally:
        file.close()


def _acquire(path: Path, what: str) -> IO[str]:
    """The open file of the lock, which is this process's from now on."""
    file = _try(path)
    if file is not None:
        return file
    with restore_sigterm():
        end_on_sigterm()
        try:
            log.info("%s: waits for process %s, which is working on this %s", path.parent, _owner(path), what)
            while file is None:
                time.sleep(POLL_SECONDS)
                file = _try(path)
        except StopRequested:
            why = f"was asked to stop (SIGTERM) while it waited for process {_owner(path)}"
            raise UserError(path.parent, why, "run it again to go on") from None
    log.info("%s: goes on", path.parent)
    return file


def _try(path: Path) -> IO[str] | None:
    """The file with its lock; None where another process has it."""
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise machine_fault(error, path) or error from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(file, path):
                return file
            file.close()  # somebody has removed it meanwhile: a lock on it would keep nobody out
        except BlockingIOError:
            file.close()
            return None
        except OSError as error:
            file.close()
            if error.errno in NO_LOCKS:
                raise UserError(
                    path.parent,
                    f"its file system has no locks (flock: errno {error.errno}, {error.strerror})",
                    "mount it with flock (Lustre: -o flock), or set `runs` in config.yaml to a folder elsewhere",
                ) from None
            raise machine_fault(error, path) or error from error
        except BaseException:
            file.close()
            raise


def _is_same_file(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _owner(path: Path) -> str:
    """Who has written into the lock that it is theirs."""
    with contextlib.suppress(OSError, ValueError):
        return path.read_text(encoding="utf-8").strip() or "unknown"
    return "unknown"
