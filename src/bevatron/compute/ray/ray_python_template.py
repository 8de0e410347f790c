"""A process that imports once what Ray's Python processes need, and is forked for each of them.

These are its dashboard with its modules, its agents, its log monitor and its workers: each would import the same for
seconds. A client is `ray_python_client`, which Ray takes for its `python`.
"""

import fcntl
import gc
import json
import multiprocessing.spawn
import os
import resource
import selectors
import signal
import socket
import sys
import types
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

from bevatron.compute.process.forked import become
from bevatron.compute.process.forks import Forks, Job
from bevatron.compute.process.messages import ConnectionEnded, peer_user, receive_message
from bevatron.compute.ray.ray_python import import_for_forks
from bevatron.compute.ray.ray_token import read_settings_again

MESSAGE_SECONDS, GRACE_SECONDS = 5.0, 3.0
WORKER = "default_worker.py"  # which waits for the modules of the work; all others need Ray's own

Names = Sequence[str]


class RayPythonTemplate(Forks):
    """Forks for each client of the socket `listener`; ends with the driver, once the forks have ended."""

    def __init__(self, listener: socket.socket, lifeline: int, launcher: str, of_all: Names, of_workers: Names):
        """`of_all` are the modules that all processes import, `of_workers` those for which workers alone wait."""
        super().__init__(lifeline, GRACE_SECONDS)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which a batch system sends to all: the driver's end is ours
        self._listener, self._launcher = listener, launcher
        self._of_all, self._of_workers = of_all, of_workers
        self._path = list(sys.path) if sys.flags.safe_path else sys.path[1:]  # without the folder of our own script
        self._accepting, self._has_first, self._has_all = True, False, False
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def serve(self) -> None:
        """Import, and fork; all but workers start before the rest is imported."""
        gc.disable()  # hardly anything of what is made now is ever garbage
        self._import(self._of_all)
        gc.freeze()  # the collector of a fork does not write to what it shares with this process
        self._has_first = True
        self._import(self._of_workers)
        gc.enable()
        gc.collect()
        gc.freeze()
        self._has_all = True
        while self._accepting or self._jobs:
            self.step(None)

    def _import(self, names: Names) -> None:
        for _ in import_for_forks(names):
            self.step(0)

    def may_start(self, job: Job) -> bool:
        """Whether all is imported that the process needs."""
        return self._has_all or (self._has_first and not any(WORKER in text for text in job.request["arguments"]))

    def carry_out(self, job: Job, parent: int) -> NoReturn:
        """What `python` would do with the arguments."""
        arguments, numbers = job.request["arguments"], job.request["numbers"]
        fcntl.fcntl(job.connection, fcntl.F_DUPFD_CLOEXEC, max([*numbers, 2]) + 1)  # open as long as we are
        job.connection.close()
        taken = [number for number in numbers if number > 2 and number not in job.files and _is_open(number)]
        may_run = not taken and not _has_opened_gpu()
        become(
            parent,
            {**job.request, "name": "bevatron python", "unbuffered": "-u" in arguments[:1], "path": self._path},
            job.files,
            lambda: self._run(job.request, arguments, may_run),
        )

    def _run(self, request: dict[str, Any], arguments: list[str], may_run: bool) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, request["blocked"])
        resource.setrlimit(resource.RLIMIT_NOFILE, request["max_files"])
        words = list(arguments)
        while words and (words[0] == "-u" or (words[0] == "-B" and sys.flags.dont_write_bytecode)):
            words.pop(0)
        if not may_run or not words or (words[0].startswith("-") and words[0] != "-c"):
            os.execv(sys.executable, [sys.executable, *arguments])
        gc.enable()
        sys.orig_argv = [sys.executable, *arguments]
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        if words[0] == "-c":
            sys.argv[:] = ["-c", *words[2:]]
            sys.path.insert(0, "")
            code = compile(words[1], "<string>", "exec", dont_inherit=True)
        else:
            sys.argv[:] = words
            path = os.path.abspath(words[0])
            sys.path.insert(0, os.path.dirname(path))
            main.__file__ = path
            with open(path, "rb") as file:
                code = compile(file.read(), path, "exec", dont_inherit=True)
            if path.endswith("/dashboard/dashboard.py"):  # its modules are processes, too
                multiprocessing.spawn.set_executable(self._launcher)
                os.environ["TMPDIR"] = os.path.dirname(self._launcher)  # of its sockets, removed with the rest
            elif path.endswith("/runtime_env/agent/main.py"):  # says by what a worker with an environment starts
                sys.executable = self._launcher
        if (ray := sys.modules.get("ray")) is not None and ray.__file__:
            sys.path.insert(0, os.path.join(os.path.dirname(ray.__file__), "thirdparty_files"))  # as its import does
            read_settings_again()
        exec(code, main.__dict__)

    def take(self, key: selectors.SelectorKey) -> None:
        """A client, which says at once what it wants."""
        with suppress(OSError, ConnectionEnded, ValueError):
            connection, _ = self._listener.accept()
            connection.settimeout(MESSAGE_SECONDS)
            if peer_user(connection) != os.getuid():  # the folder is this user's alone, and so is what runs
                connection.close()
                return
            request, files = receive_message(connection)
            self.add(Job(connection, 0, request, files))

    def close(self) -> None:
        """In the fork."""
        self._listener.close()

    def end_requests(self) -> None:
        """The driver has ended."""
        self._accepting = False
        self._selector.unregister(self._listener)
        self._listener.close()


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _has_opened_gpu() -> bool:
    """Whether something imported has opened a GPU, which a fork could not use."""
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith(("/dev/nvidia", "/dev/kfd")):
                return True
    return False


def main() -> None:
    """Serve the socket and the lifeline that the command line names by number, as its JSON says."""
    listener, lifeline = (int(text) for text in sys.argv[1:3])
    for file in (listener, lifeline):
        os.set_inheritable(file, False)
    RayPythonTemplate(socket.socket(fileno=listener), lifeline, **json.loads(sys.argv[3])).serve()
    os._exit(0)
