"""The command of a workflow's job, carried out by a fork of the server's: this process waits for it and ends as it ends.

Only the standard library, and little of it: this is what a job costs.
"""

import os
import resource
import signal
import socket
import sys
from typing import Any

from bevatron.fork_server.protocol import VARIABLE, ConnectionEnded, receive_message, send_message
from bevatron.fork_server.surroundings import fixed_surroundings

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def run_by_server() -> None:
    """Run this process's command by the fork server that the environment names, and exit as the command does.

    Returns where the server cannot be used, after one line on standard error: the command then starts here.
    """
    place = os.environ.pop(VARIABLE)
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
        "ignored": [number for number in FORWARDED if signal.getsignal(number) is signal.SIG_IGN],
        "fixed": fixed_surroundings(),
    }


class _Job:
    """The forked process, as this one sees it: signals go there, and its end comes back."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._started = False
        heard = [n for n in (*FORWARDED, signal.SIGTSTP) if signal.getsignal(n) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._forward) for number in heard}

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

    def _forward(self, number: int, _: object) -> None:
        if not self._started:  # nothing runs yet: the server sees this process end, and starts nothing
            _end_by_signal(number)
        elif number == signal.SIGTSTP:  # Ctrl-Z: both stop, and go on together
            self._send(signal.SIGSTOP)
            os.kill(os.getpid(), signal.SIGSTOP)
            self._send(signal.SIGCONT)
        else:
            self._send(number)

    def _send(self, number: int) -> None:
        try:
            send_message(self._connection, {"signal": int(number)})
        except OSError:
            pass  # it has ended, which wait() is told


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
