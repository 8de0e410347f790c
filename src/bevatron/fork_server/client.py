"""The command of a workflow's job, carried out by a fork: this process waits for it and ends as it ends.

Only the standard library, and little of it: this is what a job costs.
"""

import os
import socket
import sys
from typing import Any

from bevatron.compute.process.fork_client import ForkedJob, end_as, ignored_signals
from bevatron.compute.process.messages import ConnectionEnded, send_message
from bevatron.fork_server.surroundings import VARIABLE, fixed_surroundings


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
    job = ForkedJob(connection, _say)
    try:
        status = job.wait()
    except (ConnectionEnded, OSError):
        _say("the fork server has ended")
        job.forget()
        return
    if status is None:
        job.forget()
        return
    sys.stderr.flush()
    end_as(status)


def _request() -> dict[str, Any]:
    umask = os.umask(0)
    os.umask(umask)
    return {
        "arguments": sys.argv,
        "folder": os.getcwd(),
        "path": sys.path,
        "environment": dict(os.environ),
        "umask": umask,
        "ignored": ignored_signals(),
        "fixed": fixed_surroundings(),
    }


def _say(what: str) -> None:
    print(f"bevatron: {what}; this job starts by itself", file=sys.stderr, flush=True)
