"""What Ray takes for `python` in a private cluster on one machine: forks of a process that has imported all."""

import importlib
import json
import os
import pkgutil
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from bevatron.compute.process.environment import FORKED_RAY_SETTINGS, RAY_SETTINGS, environment
from bevatron.logs import forget_logging

PACKAGES = Path(__file__).parents[3]  # the folder of the package bevatron
SOCKET_NAME, LAUNCHER_NAME, LOG_NAME = "python.socket", "python", "python.log"
# What Ray's own processes import: the dashboard and its modules, agents, the log monitor, workers.
OF_RAY = (
    "ray",
    "ray.dashboard.dashboard",
    "ray.dashboard.head",
    "ray.dashboard.http_server_head",
    "ray.dashboard.modules.*",
    "ray.dashboard.agent",
    "ray._private.runtime_env.agent.runtime_env_agent",
    "ray._private.log_monitor",
)
START_TEMPLATE = "from bevatron.compute.ray.ray_python_template import main; main()"

_imported: set[str] = set()
Started = tuple[int, Callable[[], object]]  # its id, and what waits for its end


@dataclass(frozen=True)
class ForkedPython:
    """A program that stands for `python`, and the process that forks for it."""

    launcher: Path
    pid: int

    @contextmanager
    def as_executable(self) -> Iterator[None]:
        """Within it, what this process starts by `sys.executable` is such a fork, and knows it."""
        before = sys.executable
        sys.executable = str(self.launcher)
        try:
            with environment(**FORKED_RAY_SETTINGS):
                yield
        finally:
            sys.executable = before


def import_for_forks(names: Iterable[str]) -> Iterator[str]:
    """Import the modules, and of `package.*` all modules below the package, so that Ray works in forks of this process.

    Yields each name after its import. What cannot be imported is left out: whoever needs it says what is wrong with it.
    """
    # Ray reads all these at its import. A worker reads the last two there and never again: they are those of one that
    # is started before there is work, and whose raylet lives as long as this process does. The raylet's end is that of
    # the worker's launcher, and so the worker's.
    of_workers = {"RAY_JOB_ID": "ffffffff", "RAY_RAYLET_PID": str(os.getpid())}
    with environment(**RAY_SETTINGS, **FORKED_RAY_SETTINGS, **of_workers):
        for name in names:
            for module in _modules_of(name):
                with suppress(Exception):
                    importlib.import_module(module)
                yield module
            _imported.add(name)


def _modules_of(name: str) -> Iterator[str]:
    if not name.endswith(".*"):
        yield name
        return
    with suppress(ImportError):
        package = importlib.import_module(name[:-2])
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", onerror=lambda _: None):
            yield found.name


@contextmanager
def forked_python(folder: Path, modules: tuple[str, ...], of_all: tuple[str, ...] = OF_RAY) -> Iterator[ForkedPython]:
    """Within it, a process imports what Ray's processes import, and forks; it ends with the block.

    `modules` are those of the work, for which only Ray's workers wait. Where this process has imported Ray by
    `import_for_forks`, and has no other thread, it is forked itself. All files are in `folder`, which this user alone
    can enter.
    """
    launcher = folder / LAUNCHER_NAME
    client = Path(__file__).with_name("ray_python_client.py")
    words = [sys.executable, "-S", "-E", str(client), str(PACKAGES), str(folder / SOCKET_NAME), sys.executable]
    launcher.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    launcher.chmod(0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(folder / SOCKET_NAME))
        listener.listen(128)
        lifeline, ours = os.pipe()
        options = {"launcher": str(launcher), "of_all": of_all, "of_workers": modules}
        try:
            start = _fork if _is_ready_to_fork(modules) else _start
            pid, wait = start(folder, listener, lifeline, options)
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(lifeline)
    try:
        yield ForkedPython(launcher, pid)
    finally:
        os.close(ours)
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)  # the forks end with it
        wait()


def can_have_launcher(folder: Path) -> bool:
    """Whether a program in `folder` can stand for `python`: not where nothing may be executed (a temporary folder that
    is mounted so), nor where the shell by which Ray starts workers would take its path for several words.
    """
    probe = folder / LAUNCHER_NAME
    probe.touch(0o700)
    return os.access(probe, os.X_OK) and shlex.quote(str(probe)) == str(probe)


def _is_ready_to_fork(modules: tuple[str, ...]) -> bool:
    has_imported = "ray" in _imported and all(name in sys.modules for name in modules)
    return has_imported and len(os.listdir("/proc/self/task")) == 1


def _start(folder: Path, listener: socket.socket, lifeline: int, options: dict[str, Any]) -> Started:
    files = (listener.fileno(), lifeline)
    with open(folder / LOG_NAME, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", START_TEMPLATE, *map(str, files), json.dumps(options)],
            cwd=folder,  # '' is first in its path while it imports us: nobody else writes there
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=files,
            start_new_session=True,  # Ctrl-C on the terminal and a kill of the driver's group do not reach it
        )
    return process.pid, process.wait


def _fork(folder: Path, listener: socket.socket, lifeline: int, options: dict[str, Any]) -> Started:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    pid = os.fork()
    if pid == 0:
        _serve(folder, listener, lifeline, options)

    def wait() -> None:
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)

    return pid, wait


def _serve(folder: Path, listener: socket.socket, lifeline: int, options: dict[str, Any]) -> NoReturn:
    """In the fork: be as a process that has been started for this alone."""
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        log = os.open(folder / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number, file in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(file, number)
        for name in os.listdir("/proc/self/fd"):
            if int(name) > 2 and int(name) not in (listener.fileno(), lifeline):
                with suppress(OSError):
                    os.close(int(name))
        forget_logging()
        os.chdir(folder)
        from bevatron.compute.ray.ray_python_template import RayPythonTemplate

        RayPythonTemplate(listener, lifeline, **options).serve()
    finally:
        os._exit(0)
