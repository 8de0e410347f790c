"""The command of a workflow's job, carried out by a fork: this process waits for it and ends as it ends.

Only the standard library, and little of it: this is what a job costs.
"""

import contextlib
import os
import resource
import signal
import socket
import sys
from typing import Any

from bevatron.fork_server.protocol import VARIABLE, ConnectionEnded, receive_message, send_message
from bevatron.fork_server.surroundings import fixed_surroundings

FORWARDED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP,
)  # fmt: skip
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


def run_by_server() -> None:
    """Run this process's command by the fork server that the environment names, and exit as the command does.

    Returns where the server cannot be used, after one line on standard error: the command then starts here.
    """
    place = os.environ.pop(VARIABLE)
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        return  # closed: the numbers of their files are those of other files by now
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(place)
        send_message(connection, _request(), (0, 1, 2))
    except (OSError, ValueError) as error:
        _say(f"the fork server cannot be reached ({error})")
        return
    job = _Job(connection)
    try:
        status = job.wait()
    except (ConnectionEnded, OSError):
        _say("the fork server has ended")
        job.forget()
        return
    if status is None:
        job.forget()
        return
    _end_as(status)


def _request() -> dict[str, Any]:
    umask = os.umask(0)
    os.umask(umask)
    return {
        "arguments": sys.argv,
        "folder": os.getcwd(),
        "path": sys.path,
        "environment": dict(os.environ),
        "umask": umask,
        "ignored": _ignored(),
        "fixed": fixed_surroundings(),
    }


class _Job:
    """The forked process, as this one sees it: signals go there, and its end comes back."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._started = False
        self._sent: list[int] = []
        self._ignored = _ignored()  # by the job too, if it does not choose to handle them
        self._before = {number: signal.signal(number, self._forward) for number in FORWARDED}

    def wait(self) -> int | None:
        """The job's wait status; None where the server refuses it, after a line that says why.

        Raises ConnectionEnded where server and job have ended without a word.
        """
        while True:
            message, _ = receive_message(self._connection)
            if "refused" in message:
                if message["refused"]:
                    _say(message["refused"])
                return None
            if "status" in message:
                return int(message["status"])
            self._started = True

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


def _ignored() -> list[int]:
    """Signals that this process ignores, because its parent did."""
    return [number for number in FORWARDED if signal.getsignal(number) is signal.SIG_IGN]


def _end_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        _end_by_signal(os.WTERMSIG(status))
    sys.stderr.flush()
    os._exit(os.waitstatus_to_exitcode(status))


def _end_by_signal(number: int) -> None:
    """End of this signal, as the job did, so that a shell sees the same; the core dump, if any, was the job's."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _say(what: str) -> None:
    print(f"bevatron: {what}; this job starts by itself", file=sys.stderr, flush=True)
