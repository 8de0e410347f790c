"""What stands for `python` where Ray starts a process: has it done by a fork of `ray_python_template`.

    python -S -E ray_python_client.py PACKAGES SOCKET PYTHON ARGUMENT...

PACKAGES is the folder of the package bevatron; the ARGUMENTs are those of PYTHON, which is started where no fork can
be had. Only the standard library, and little of it.
"""

import ctypes
import os
import resource
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Wait for the fork, and end as it ends."""
    # As a worker ends with its raylet, which would not be seen by a fork, whose parent is another.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    packages, place, python, *arguments = sys.argv[1:]
    sys.path.insert(0, packages)
    from bevatron.compute.process.fork_client import ForkedJob, end_as, ignored_signals
    from bevatron.compute.process.messages import MAX_FILES, ConnectionEnded, send_message

    umask = os.umask(0)
    os.umask(umask)
    numbers = _open_files()
    if len(numbers) > MAX_FILES:
        os.execv(python, [python, *arguments])
    try:
        request = {
            "arguments": arguments,
            "folder": os.getcwd(),
            "environment": dict(os.environ),
            "umask": umask,
            "ignored": ignored_signals(),
            "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
            "numbers": numbers,
            "max_files": resource.getrlimit(resource.RLIMIT_NOFILE),  # which Ray raises in the driver
        }
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(place)
        send_message(connection, request, tuple(numbers))
    except (OSError, ValueError):
        os.execv(python, [python, *arguments])
    job = ForkedJob(connection, lambda _: None)
    try:
        status = job.wait()
    except (OSError, ConnectionEnded):  # the template has been killed
        status = None
    if status is None:
        job.forget()
        os.execv(python, [python, *arguments])
    end_as(status)


def _open_files() -> list[int]:
    numbers = []
    for name in os.listdir("/proc/self/fd"):
        try:
            os.fstat(int(name))
        except OSError:
            continue  # that of the folder itself
        numbers.append(int(name))
    return sorted(numbers)


if __name__ == "__main__":
    main()
