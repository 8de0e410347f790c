"""A process that waits for a fork which does its work, and ends as that ends.

Only the standard library, and little of it: this is what a job costs.
"""

import contextlib
import os
import resource
import select
import signal
import socket
from collections.abc import Callable
from typing import Any

from bevatron.compute.process.messages import receive_message, send_message

FORWARDED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP,
)  # fmt: skip
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class ForkedJob:
    """The forked process, as this one sees it: signals go there, and its end comes back."""

    def __init__(self, connection: socket.socket, say: Callable[[str], None]):
        self._connection, self._say = connection, say
        self._started = False
        self._sent: list[int] = []
        self._ignored = ignored_signals()  # by the job too, if it does not choose to handle them
        self._before = {number: signal.signal(number, self._forward) for number in FORWARDED}

    def wait(self) -> int | None:
        """The job's wait status; None where the server refuses it, after a line that says why.

        Raises ConnectionEnded where server and job have ended without a word.
        """
        while True:
            message = self._receive()
            if "refused" in message:
                if message["refused"]:
                    self._say(message["refused"])
                return None
            if "status" in message:
                return int(message["status"])

    def _receive(self) -> dict[str, Any]:
        """The next message. No signal is handled between its being read and what follows from it: `_forward` would find
        neither a job that has started nor the message that says so.
        """
        select.select([self._connection], [], [])
        before = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        try:
            message, _ = receive_message(self._connection)
            self._started |= not ("refused" in message or "status" in message)
            return message
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def forget(self) -> None:
        """Back to how this process was."""
        self._connection.close()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        for number in self._sent:
            if number in ENDING or not self._started:  # what comes now is to end as well, or nobody has been told
                os.kill(os.getpid(), number)

    def _forward(self, number: int, _: object) -> None:
        if not (self._started or self._has_mail()):  # nothing runs yet: the server sees this end, and starts nothing
            if number not in self._ignored:
                _end_by_signal(number)
        elif number == signal.SIGTSTP and number not in self._ignored:  # Ctrl-Z: both stop, and go on together
            self._send(signal.SIGSTOP)
            os.kill(os.getpid(), signal.SIGSTOP)
            self._send(signal.SIGCONT)
        else:
            self._send(number)

    def _has_mail(self) -> bool:
        """Whether the server has said something that wait() has not read yet."""
        try:
            return bool(self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def _send(self, number: int) -> None:
        self._sent.append(number)
        with contextlib.suppress(OSError):  # it has ended, which wait() is told
            send_message(self._connection, {"signal": int(number)})


def ignored_signals() -> list[int]:
    """Signals that this process ignores, because its parent did."""
    return [number for number in FORWARDED if signal.getsignal(number) is signal.SIG_IGN]


def end_as(status: int) -> None:
    """End as the job did that had this wait status."""
    if os.WIFSIGNALED(status):
        _end_by_signal(os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def _end_by_signal(number: int) -> None:
    """End of this signal, as the job did, so that a shell sees the same; the core dump, if any, was the job's."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
