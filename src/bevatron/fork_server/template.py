"""A template: a process that has imported everything, forks once for each job, and watches over the jobs."""

import gc
import os
import selectors
import signal
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bevatron.fork_server.forked_job import become_job
from bevatron.fork_server.loaded_files import LoadedFiles
from bevatron.fork_server.preloaded import IMPORTED_FIRST, IMPORTED_NEXT, NEED_BOTH, import_all
from bevatron.fork_server.protocol import ConnectionEnded, close_files, receive_message, send_message

JOBS = "jobs"  # folder of files that say which process does the work of which client
MESSAGE_SECONDS = 5.0
GRACE_SECONDS = 20.0  # between SIGTERM and SIGKILL, where the workflow has ended


@dataclass
class Job:
    """A client's request: waiting while process is None, then running."""

    connection: socket.socket
    client: int
    request: dict[str, Any]
    files: list[int]
    process: int | None = None


class Template:
    """Forks for each request that comes through `control`; ends with it, once the jobs have ended."""

    def __init__(self, control: socket.socket, lifeline: int):
        self._control, self._lifeline = control, lifeline
        self._jobs: list[Job] = []
        self._accepting, self._ready = True, False
        self._kill_at: float | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(lifeline, selectors.EVENT_READ)
        self._woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._waker = waker
        self._selector.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # which wakes select
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self) -> None:
        """Import everything, and fork; jobs that need only what is imported first start before the rest is."""
        since = time.time_ns()
        gc.disable()  # hardly anything of what is made now is ever garbage
        for _ in import_all(IMPORTED_FIRST):
            pass
        for _ in import_all(IMPORTED_NEXT):
            self._step(0)
        gc.enable()
        gc.collect()
        gc.freeze()  # the collector of a job does not write to what it shares with this process
        self._ready = True
        with suppress(OSError):
            send_message(self._control, {"loaded": LoadedFiles.of_this_process(since).as_payload()})
        while self._accepting or self._jobs:
            self._step(None if self._kill_at is None else 1.0)

    def _step(self, timeout: float | None) -> None:
        for job in [job for job in self._jobs if job.process is None and self._may_start(job)]:
            self._start(job)
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._control:
                self._take_request()
            elif key.fileobj == self._lifeline:
                self._end_jobs()
            elif key.fileobj == self._woken:
                with suppress(BlockingIOError):
                    os.read(self._woken, 4096)
                self._reap()
            elif key.data in self._jobs:
                self._hear(key.data)
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self._signal_jobs(signal.SIGKILL)

    def _may_start(self, job: Job) -> bool:
        return self._ready or not NEED_BOTH.intersection(job.request["arguments"][1:2])

    def _take_request(self) -> None:
        try:
            request, (connection, *files) = receive_message(self._control)
        except (ConnectionEnded, OSError, ValueError):
            self._accepting = False
            self._selector.unregister(self._control)
            return
        connected = socket.socket(fileno=connection)
        connected.settimeout(MESSAGE_SECONDS)
        credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        job = Job(connected, struct.unpack("3i", credentials)[0], request, files)
        self._jobs.append(job)
        self._selector.register(connected, selectors.EVENT_READ, job)

    def _start(self, job: Job) -> None:
        ours = os.getpid()
        with suppress(OSError):
            send_message(job.connection, {"starting": True})  # before it does anything that its client could answer to
        job.process = os.fork()
        if job.process == 0:
            self._forget_everything(but=job)
            become_job(ours, job.request, job.files)  # does not return
        close_files(job.files)
        (Path(JOBS) / str(job.client)).write_text(str(job.process), encoding="utf-8")

    def _forget_everything(self, but: Job) -> None:
        """In the job: close what is the template's. The job keeps its connection, and never uses it: so the client
        learns that both have ended when both have.
        """
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for file in (self._woken, self._waker, self._lifeline):
            os.close(file)
        self._control.close()
        for job in self._jobs:
            if job is not but:
                job.connection.close()
                if job.process is None:
                    close_files(job.files)

    def _hear(self, job: Job) -> None:
        """A signal for a job, or its client's end, which is the job's."""
        try:
            message, files = receive_message(job.connection)
            close_files(files)
            number = signal.Signals(message["signal"])
        except (ConnectionEnded, OSError, ValueError, KeyError, TypeError):
            number = signal.SIGKILL
            self._selector.unregister(job.connection)
            if job.process is None:
                self._forget(job)
        if job.process is not None:
            os.kill(job.process, number)  # not another's: a job is forgotten when it is reaped

    def _reap(self) -> None:
        for job in [job for job in self._jobs if job.process is not None]:
            process, status = os.waitpid(job.process or 0, os.WNOHANG)
            if process:
                with suppress(OSError):
                    send_message(job.connection, {"status": status})
                self._forget(job)

    def _forget(self, job: Job) -> None:
        with suppress(KeyError):
            self._selector.unregister(job.connection)
        job.connection.close()
        if job.process is None:
            close_files(job.files)
        with suppress(OSError):
            (Path(JOBS) / str(job.client)).unlink()
        self._jobs.remove(job)

    def _end_jobs(self) -> None:
        """The workflow has ended, and with it all its jobs: those that can, save their state."""
        self._selector.unregister(self._lifeline)
        self._kill_at = time.monotonic() + GRACE_SECONDS
        self._accepting = False
        with suppress(KeyError):
            self._selector.unregister(self._control)
        for job in [job for job in self._jobs if job.process is None]:
            self._forget(job)
        self._signal_jobs(signal.SIGTERM)

    def _signal_jobs(self, number: signal.Signals) -> None:
        for job in self._jobs:
            if job.process is not None:
                os.kill(job.process, number)


def main() -> None:
    """Serve the control socket and the lifeline that the command line names by number."""
    control, lifeline = (int(text) for text in sys.argv[1:3])
    for file in (control, lifeline):
        os.set_inheritable(file, False)
    Template(socket.socket(fileno=control), lifeline).serve()
    os._exit(0)
