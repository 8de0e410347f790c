"""One process at a time for the live state of a run."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from bevatron.errors import UserError


@contextlib.contextmanager
def sole_owner(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when the process ends, however it ends.

    Raises UserError where another process holds it: a job that outlived the Snakemake that started it, say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise UserError(
                folder,
                f"another process (id {owner}) is working on this run",
                "wait for it or end it, then try again",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
