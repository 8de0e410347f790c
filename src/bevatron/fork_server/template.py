"""A template: a process that has imported everything, forks once for each job, and watches over the jobs."""

import gc
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from bevatron.compute.process.forks import Forks, Job
from bevatron.compute.process.messages import ConnectionEnded, receive_message, send_message
from bevatron.compute.ray.ray_python import import_for_forks
from bevatron.fork_server.forked_job import become_job
from bevatron.fork_server.loaded_files import LoadedFiles
from bevatron.fork_server.preloaded import (
    IMPORTED_FIRST,
    IMPORTED_FOR_RAY,
    IMPORTED_NEXT,
    NEED_BOTH,
    import_all,
    needs_ray,
)

JOBS = "jobs"  # folder of files that say which process does the work of which client
MESSAGE_SECONDS = 5.0
GRACE_SECONDS = 20.0  # between SIGTERM and SIGKILL, where the workflow has ended


class Template(Forks):
    """Forks for each request that comes through `control`; ends with it, once the jobs have ended."""

    def __init__(self, control: socket.socket, lifeline: int):
        super().__init__(lifeline, GRACE_SECONDS)
        self._control = control
        self._accepting, self._ready, self._has_ray = True, False, False
        self._selector.register(control, selectors.EVENT_READ)

    def serve(self) -> None:
        """Import everything, and fork; jobs that need only what is imported first start before the rest is."""
        since = time.time_ns()
        gc.disable()  # hardly anything of what is made now is ever garbage
        for _ in import_all(IMPORTED_FIRST):
            pass
        self._import(import_all(IMPORTED_NEXT), since)
        self._ready = True
        while self._accepting or self._jobs:
            if not self._has_ray and any(needs_ray(job.request["arguments"]) for job in self._jobs):
                self._import(import_for_forks(IMPORTED_FOR_RAY), since)
                self._has_ray = True
            self.step(None)

    def _import(self, imports: Iterator[str], since: int) -> None:
        """Go through the imports, between steps, and tell the server what is loaded."""
        gc.disable()
        for _ in imports:
            self.step(0)
        gc.enable()
        gc.collect()
        gc.freeze()  # the collector of a job does not write to what it shares with this process
        with suppress(OSError):
            send_message(self._control, {"loaded": LoadedFiles.of_this_process(since).as_payload()})

    def may_start(self, job: Job) -> bool:
        """Whether all is imported that the command needs."""
        arguments = job.request["arguments"]
        if needs_ray(arguments) and not self._has_ray:
            return False
        return self._ready or not NEED_BOTH.intersection(arguments[1:2])

    def carry_out(self, job: Job, parent: int) -> NoReturn:
        """The client's command."""
        become_job(parent, job.request, job.files)

    def take(self, key: selectors.SelectorKey) -> None:
        """A request, with the client's connection and open files."""
        try:
            request, (connection, *files) = receive_message(self._control)
        except (ConnectionEnded, OSError, ValueError):
            self.end_requests()
            return
        connected = socket.socket(fileno=connection)
        connected.settimeout(MESSAGE_SECONDS)
        credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        self.add(Job(connected, struct.unpack("3i", credentials)[0], request, files))

    def close(self) -> None:
        """In the fork."""
        self._control.close()

    def end_requests(self) -> None:
        """The server has ended, or has another template for what comes now."""
        self._accepting = False
        with suppress(KeyError):
            self._selector.unregister(self._control)

    def started(self, job: Job) -> None:
        """Say which process works for the client."""
        (Path(JOBS) / str(job.client)).write_text(str(job.process), encoding="utf-8")

    def ended(self, job: Job) -> None:
        """Say it no more."""
        with suppress(OSError):
            (Path(JOBS) / str(job.client)).unlink()


def keep_matplotlib_here() -> None:
    """Give matplotlib a folder below this one, where it could not write to the user's.

    It would make one that every job removes at its end, and so the first job those of all others.
    """
    if os.environ.get("MPLCONFIGDIR"):
        return
    try:
        folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "matplotlib"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return
    except (OSError, RuntimeError):  # no home, or one that cannot be written
        pass
    os.environ["MPLCONFIGDIR"] = str(Path("matplotlib").absolute())


def main() -> None:
    """Serve the control socket and the lifeline that the command line names by number."""
    control, lifeline = (int(text) for text in sys.argv[1:3])
    for file in (control, lifeline):
        os.set_inheritable(file, False)
    keep_matplotlib_here()
    Template(socket.socket(fileno=control), lifeline).serve()
    os._exit(0)
