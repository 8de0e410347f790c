"""Processes that were started here, with all their descendants: followed and ended by id, never by name."""

import contextlib
import ctypes
import os
import time
from collections.abc import Iterable

import psutil

GRACE_SECONDS, KILLING_SECONDS = 3.0, 30.0
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


class ProcessTree:
    """Some processes and those that they start in the course of time.

    Processes are compared by id and start time: an id that is used again is another process.
    """

    def __init__(self, roots: Iterable[int], adopting: bool = False):
        """With `adopting`, this process becomes the parent of each whose own has ended, so that none is lost sight of.

        The kernel sees to that from now on (Linux); this process must then have no other children than the roots.
        """
        self._known: set[psutil.Process] = set()
        for pid in roots:
            with contextlib.suppress(psutil.Error):
                self._known.add(psutil.Process(pid))
        self._roots = {process.pid for process in self._known}
        self._adopting = adopting
        if adopting and ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
        self.look()

    def look(self) -> None:
        """Take in new descendants; call it now and then, as one whose parent has ended is not found if not adopted."""
        children: dict[int, list[psutil.Process]] = {}
        parents = []
        for process in psutil.process_iter(["ppid"]):
            children.setdefault(process.info["ppid"], []).append(process)
            if process in self._known and process.is_running():  # which notices an id that is used again
                parents.append(process)
        if self._adopting:
            adopted = [child for child in children.get(os.getpid(), []) if child.pid not in self._roots]
            self._known.update(adopted)
            parents.extend(adopted)
            for process in adopted:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(process.pid, os.WNOHANG)  # if it has ended
        while parents:
            new = [child for child in children.get(parents.pop().pid, []) if child not in self._known]
            self._known.update(new)
            parents.extend(new)

    def end(self, grace: float = GRACE_SECONDS) -> None:
        """Wait `grace` seconds for the processes to end of themselves, then kill those that do not."""
        deadline = time.monotonic() + grace
        while (left := self._left()) and time.monotonic() < deadline + KILLING_SECONDS:
            if time.monotonic() >= deadline:
                for process in left:
                    with contextlib.suppress(psutil.Error):
                        process.kill()
            time.sleep(0.05)

    def _left(self) -> list[psutil.Process]:
        for _ in range(2):  # again when all seem to have ended: the last may have started another since the look
            self.look()
            if left := [process for process in self._known if _runs(process)]:
                return left
        return []


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
