"""Forks of this process, each of which works for a client: who asks, who runs, and whose end is whose."""

import os
import selectors
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from bevatron.compute.process.messages import ConnectionEnded, close_files, receive_message, send_message


@dataclass
class Job:
    """A client's request: waiting while process is None, then running."""

    connection: socket.socket
    client: int
    request: dict[str, Any]
    files: list[int]
    process: int | None = None


class Forks:
    """Forks for each request, hands the client's signals on, and tells it how its fork has ended.

    A client whose connection ends has been killed, and its fork is killed. `lifeline` is a pipe whose other end closes
    with the process for which all this is done; `grace` seconds lie between SIGTERM and SIGKILL then.
    """

    def __init__(self, lifeline: int, grace: float):
        self._lifeline, self._grace = lifeline, grace
        self._jobs: list[Job] = []
        self._kill_at: float | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(lifeline, selectors.EVENT_READ)
        self._woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._waker = waker
        self._selector.register(self._woken, selectors.EVENT_READ)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # which wakes select
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def may_start(self, job: Job) -> bool:
        """Whether all is imported that the job needs."""
        raise NotImplementedError

    def carry_out(self, job: Job, parent: int) -> NoReturn:
        """What the fork does; `parent` is this process, as it was before the fork."""
        raise NotImplementedError

    def take(self, key: selectors.SelectorKey) -> None:
        """Something that the subclass has registered can be read."""
        raise NotImplementedError

    def close(self) -> None:
        """Close what the subclass has opened, in the fork."""
        raise NotImplementedError

    def end_requests(self) -> None:
        """Take no more requests."""
        raise NotImplementedError

    def started(self, job: Job) -> None:
        """The job's process has started."""

    def ended(self, job: Job) -> None:
        """The job is no more."""

    def add(self, job: Job) -> None:
        """A new request."""
        self._jobs.append(job)
        self._selector.register(job.connection, selectors.EVENT_READ, job)

    def step(self, timeout: float | None) -> None:
        """Start what may start, and hear what there is to hear for at most `timeout` seconds."""
        for job in [job for job in self._jobs if job.process is None and self.may_start(job)]:
            self._start(job)
        if timeout is None and self._kill_at is not None:
            timeout = max(0.0, min(1.0, self._kill_at - time.monotonic()))
        for key, _ in self._selector.select(timeout):
            if key.fileobj == self._lifeline:
                self._end_jobs()
            elif key.fileobj == self._woken:
                with suppress(BlockingIOError):
                    os.read(self._woken, 4096)
                self._reap()
            elif isinstance(key.data, Job):
                if key.data in self._jobs:
                    self._hear(key.data)
            else:
                self.take(key)
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self._signal_jobs(signal.SIGKILL)

    def _start(self, job: Job) -> None:
        ours = os.getpid()
        with suppress(OSError):
            send_message(job.connection, {"starting": True})  # before it does anything that its client could answer to
        job.process = os.fork()
        if job.process == 0:
            self._forget_everything(but=job)
            self.carry_out(job, ours)  # does not return
        close_files(job.files)
        self.started(job)

    def _forget_everything(self, but: Job) -> None:
        """In the job: close what is the template's. The job keeps its connection, and never uses it: so the client
        learns that both have ended when both have.
        """
        signal.set_wakeup_fd(-1)
        self._selector.close()
        for file in (self._woken, self._waker, self._lifeline):
            os.close(file)
        self.close()
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
        self.ended(job)
        self._jobs.remove(job)

    def _end_jobs(self) -> None:
        """All ends, and with it all jobs: those that can, save their state."""
        self._selector.unregister(self._lifeline)
        self._kill_at = time.monotonic() + self._grace
        self.end_requests()
        for job in [job for job in self._jobs if job.process is None]:
            self._forget(job)
        self._signal_jobs(signal.SIGTERM)

    def _signal_jobs(self, number: signal.Signals) -> None:
        for job in self._jobs:
            if job.process is not None:
                os.kill(job.process, number)
