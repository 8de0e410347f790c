"""Processes that were started here, with all their descendants: followed and ended by id, never by name."""

import contextlib
import time
from collections.abc import Iterable

import psutil

GRACE_SECONDS = 3.0


class ProcessTree:
    """Some processes and those that they start in the course of time.

    Processes are compared by id and start time: an id that is used anew is another process.
    """

    def __init__(self, roots: Iterable[int]):
        self._known: set[psutil.Process] = set()
        for pid in roots:
            with contextlib.suppress(psutil.Error):
                self._known.add(psutil.Process(pid))
        self.look()

    def look(self) -> None:
        """Take in new descendants; call it now and then, as one whose parent has ended is found no more."""
        children: dict[int, list[psutil.Process]] = {}
        parents = []
        for process in psutil.process_iter(["ppid"]):
            children.setdefault(process.info["ppid"], []).append(process)
            if process in self._known and process.is_running():  # which notices an id that is used anew
                parents.append(process)
        while parents:
            new = [child for child in children.get(parents.pop().pid, []) if child not in self._known]
            self._known.update(new)
            parents.extend(new)

    def end(self) -> None:
        """Wait a little for the processes to end of themselves, then kill those that do not."""
        self.look()
        deadline = time.monotonic() + GRACE_SECONDS
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(0.05)
        while left and time.monotonic() < deadline + 10 * GRACE_SECONDS:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(0.05)
            self.look()
            left = self._left()

    def _left(self) -> list[psutil.Process]:
        return [process for process in self._known if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
