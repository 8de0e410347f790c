"""A Ray cluster for the length of a `with` block: an existing one, or a private one on this machine."""

import fcntl
import importlib
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bevatron.compute.environment import RAY_SETTINGS, environment
from bevatron.config.workflow import Ray
from bevatron.errors import UserError

log = logging.getLogger("bevatron")

OBJECT_STORE_BYTES = 256 * 2**20  # only settings and numbers pass through it; data sets are read from files
SOCKET_PATH_LIMIT = 107  # of a unix socket's path, on Linux
SOCKET_PATH_TAIL = len("/bv-12345678/r/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store")


@dataclass(frozen=True)
class RaySession:
    """A cluster to which this process is connected.

    `dashboard_url` is None where there is no dashboard, `token_path` None where the cluster is not ours.
    """

    address: str
    dashboard_url: str | None
    token_path: Path | None
    cpus: float
    gpus: float


def cpus_of_job() -> int:
    """The CPU cores this process may use, which is what a batch job or container was given."""
    return len(os.sched_getaffinity(0))


@contextmanager
def ray_session(settings: Ray, cpus: int, logs: Path | None = None) -> Iterator[RaySession]:
    """Connect to the cluster at `settings.address`, or start a private one with `cpus` cores on this machine.

    A private cluster has a token and a temporary folder of its own, so that two of them on one machine never
    meet, and a dashboard on the loopback address, whose URL is logged, or printed where there is no log.
    `settings.cpus` goes before `cpus`. At the end of the block, and also when this process is killed, the
    cluster's processes end and its folder is removed. If the block fails, Ray's own logs are copied to the
    folder `logs` first.

    Raises UserError if the cluster cannot be reached or started.
    """
    with ExitStack() as stack:
        stack.enter_context(environment(**RAY_SETTINGS))
        stack.enter_context(_sigterm_restored())
        if settings.address is not None:
            yield stack.enter_context(_existing(settings.address))
        else:
            yield stack.enter_context(_private(settings, settings.cpus or cpus, logs))


@contextmanager
def _existing(address: str) -> Iterator[RaySession]:
    import ray

    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=10):  # Ray itself tries for many minutes
            pass
        context = ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": RAY_SETTINGS},
        )
    except Exception as error:  # Ray raises ConnectionError, RuntimeError, ValueError and errors of its own here
        raise UserError(
            "ray.address",
            f"no Ray cluster can be reached at {address} ({_first_line(error)})",
            "start it, correct the address, or leave it out for a private local cluster; a cluster with "
            "authentication needs RAY_AUTH_TOKEN_PATH",
        ) from error
    try:
        _exit_on_sigterm()
        yield _session(address, context.dashboard_url, None)
    finally:
        ray.shutdown()


@contextmanager
def _private(settings: Ray, cpus: int, logs: Path | None) -> Iterator[RaySession]:
    base = _base_folder()
    _remove_stale(base)
    with ExitStack() as stack:
        folder, lock = _own_folder(base)
        stack.callback(lock.close)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        token = folder / "token"
        with open(os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        stack.callback(_forget_token)  # after the variables below have their old values again
        stack.enter_context(
            environment(RAY_ADDRESS=None, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=None, RAY_AUTH_TOKEN_PATH=str(token))
        )
        _forget_token()
        context = _start(settings, cpus, folder, stack)
        session = _session(context.address_info["address"], context.dashboard_url, token)
        _tell_dashboard(session, settings.dashboard)
        try:
            yield session
        except Exception as error:
            if logs is not None and not isinstance(error, UserError):
                _keep_logs(folder, logs)
            raise


def _start(settings: Ray, cpus: int, folder: Path, stack: ExitStack):
    """Ray's context of a new cluster; `stack` gets what ends it."""
    import psutil
    import ray

    me = psutil.Process()
    before = set(me.children())
    try:
        context = ray.init(
            address="local",
            num_cpus=cpus,
            num_gpus=settings.gpus,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=None if settings.dashboard else False,  # None: go on without it if it cannot run
            dashboard_host="127.0.0.1",
            dashboard_port=_free_port(),
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=str(folder / "r"),
        )
    except BaseException as error:
        ray.shutdown()
        for process in set(me.children()) - before:
            with suppress(psutil.Error):
                process.kill()
        if not isinstance(error, Exception):
            raise
        raise UserError(
            "Ray",
            f"a local cluster cannot be started ({_first_line(error)})",
            "see whether memory or disk is short",
        ) from error
    _exit_on_sigterm()
    roots = [str(process.pid) for process in set(me.children()) - before]
    keeper = subprocess.Popen(
        [sys.executable, "-m", "bevatron.compute.keeper", str(folder), *roots],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C on the terminal and a kill of the driver's group do not reach it
    )
    stack.callback(_dismiss, keeper)
    stack.callback(ray.shutdown)
    return context


def _dismiss(keeper: subprocess.Popen) -> None:
    """Let the keeper end what Ray has left, and wait for it."""
    keeper.stdin.close()
    try:
        keeper.wait(timeout=30)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()


def _session(address: str, dashboard: str | None, token: Path | None) -> RaySession:
    import ray

    total = ray.cluster_resources()
    url = f"http://{dashboard}" if dashboard else None
    return RaySession(address, url, token, total.get("CPU", 0.0), total.get("GPU", 0.0))


def _tell_dashboard(session: RaySession, wanted: bool) -> None:
    if session.dashboard_url is not None:
        port = session.dashboard_url.rpartition(":")[2]
        line = (
            f"Ray dashboard: {session.dashboard_url} (log in with the token in {session.token_path}; "
            f"from another machine first: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()})"
        )
        if log.isEnabledFor(logging.INFO) and log.hasHandlers():
            log.info(line)
        else:
            print(line, flush=True)
    elif wanted:
        log.warning("the Ray dashboard could not be started; the work goes on without it")


def _base_folder() -> Path:
    """The temporary folder, or /tmp where its name is too long for the unix sockets inside."""
    for base in (tempfile.gettempdir(), "/tmp"):
        if len(base) + SOCKET_PATH_TAIL <= SOCKET_PATH_LIMIT and os.access(base, os.W_OK | os.X_OK):
            return Path(base)
    raise UserError(
        tempfile.gettempdir(),
        "is too long a name for Ray's temporary folder, or not writable",
        "set TMPDIR to another",
    )


def _own_folder(base: Path):
    """A new folder that only this user can enter, and the open file whose lock says that it is in use.

    Ray makes its own folder writable for everybody, so it lies one level further down.
    """
    folder = Path(tempfile.mkdtemp(prefix="bv-", dir=base))
    lock = open(folder / "lock", "w")  # noqa: SIM115  (open as long as the session)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def _remove_stale(base: Path) -> None:
    """Remove folders of sessions whose process and keeper were killed: nobody holds their lock."""
    for folder in base.glob("bv-????????"):
        with suppress(OSError):
            state = (folder / "lock").stat()
            if state.st_uid != os.getuid() or time.time() - state.st_mtime < 60:  # it may be about to be locked
                continue
            with open(folder / "lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _forget_token() -> None:
    """Make Ray read its settings and token anew: it remembers those of a process's first cluster."""
    raylet = importlib.import_module("ray._raylet")
    with suppress(AttributeError):  # not a public interface
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


def _exit_on_sigterm() -> None:
    """SIGTERM ends the process through its `finally` clauses; Ray's own handler prints a stack first."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def _sigterm_restored() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _keep_logs(folder: Path, logs: Path) -> None:
    with suppress(OSError):
        shutil.copytree(folder / "r" / "session_latest" / "logs", logs, dirs_exist_ok=True, symlinks=True)
        log.error("Ray's own logs are kept in %s", logs)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]
