"""Ends what is left of a private Ray cluster, however the process that started it ended.

Ray's processes follow their driver when it is killed, but not all of them and not at once, and its temporary
folder stays. So a session starts this small process, which outlives the driver: when the pipe to its standard
input closes, by the session's end or by the driver's death, it waits for the session's processes to end,
kills those that do not (by process id and start time, never by name), and removes the session's folder.

Run as `python -m bevatron.compute.keeper FOLDER PID...` with the ids of the processes the session started.
"""

import contextlib
import os
import select
import shutil
import sys
import time
from pathlib import Path

import psutil

POLL_SECONDS = 1.0
GRACE_SECONDS = 3.0


def main(folder: Path, roots: list[int]) -> None:
    known: set[psutil.Process] = set()  # compared by id and start time: an id used anew is another process
    for pid in roots:
        with contextlib.suppress(psutil.Error):
            known.add(psutil.Process(pid))
    _extend(known)
    while not select.select([sys.stdin], [], [], POLL_SECONDS)[0] or os.read(sys.stdin.fileno(), 1):
        _extend(known)
    _extend(known)
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := [p for p in known if _runs(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    while left and time.monotonic() < deadline + 10 * GRACE_SECONDS:
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(0.05)
        _extend(known)
        left = [p for p in known if _runs(p)]
    shutil.rmtree(folder, ignore_errors=True)


def _extend(known: set[psutil.Process]) -> None:
    """Add the descendants of known processes; workers come and go during a session."""
    for process in list(known):
        with contextlib.suppress(psutil.Error):
            known.update(process.children(recursive=True))


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(pid) for pid in sys.argv[2:]])
