"""A private Ray cluster on this machine."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from bevatron.compute.process.sigterm import end_on_sigterm
from bevatron.compute.ray.ports import free_port
from bevatron.compute.ray.ray_folder import base_folder, keep_logs, own_folder, remove, remove_stale
from bevatron.compute.ray.ray_metrics import archive_metrics
from bevatron.compute.ray.ray_python import ForkedPython, can_have_launcher, forked_python
from bevatron.compute.ray.ray_start import OBJECT_STORE_BYTES
from bevatron.compute.ray.ray_token import new_token, token_authentication
from bevatron.compute.ray.session import RaySession, cpus_of_job, first_line, log_dashboard, session_of
from bevatron.compute.ray.session_record import recorded_session
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Ray
from bevatron.errors import UserError


@contextmanager
def local_ray(
    settings: Ray, request: ResourceRequest, records: Path, modules: tuple[str, ...] | None = ()
) -> Iterator[RaySession]:
    """Start a cluster whose processes end, and whose folder is removed, with the block or this process.

    `modules`: what the work imports, which is imported once for all its processes; with None, each process of Ray's
    starts by itself.

    If the block fails, Ray's own logs are copied to `kept / "logs"` first. Raises UserError if it cannot start.
    """
    base = base_folder()
    remove_stale(base)
    with ExitStack() as stack:
        folder, lock = own_folder(base)
        stack.callback(lock.close)
        stack.callback(remove, folder)
        python = None
        if modules is not None and can_have_launcher(folder):
            python = stack.enter_context(forked_python(folder, modules))
        token = new_token(folder / "token")
        stack.enter_context(token_authentication(token))
        context = _start(settings, request, folder, python, stack)
        session = session_of(context.address_info["address"], context.dashboard_url, token)
        log_dashboard(session, settings.dashboard)
        if settings.dashboard and session.dashboard_url is None:
            keep_logs(folder, records / "logs")
        stack.enter_context(archive_metrics(records / "metrics", session))
        stack.enter_context(recorded_session(records, session))
        try:
            yield session
        except Exception as error:
            if not isinstance(error, UserError):
                keep_logs(folder, records / "logs")
            raise


def _start(settings: Ray, request: ResourceRequest, folder: Path, python: ForkedPython | None, stack: ExitStack) -> Any:
    """Ray's context of a new cluster; `stack` gets what ends it."""
    import psutil
    import ray

    me = psutil.Process()
    before = {child for child in me.children() if python is None or child.pid != python.pid}
    try:
        with nullcontext() if python is None else python.as_executable():
            context = ray.init(
                address="local",
                num_cpus=settings.cpus or request.cpus or cpus_of_job(),
                num_gpus=request.gpus if settings.gpus is None else settings.gpus,
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=None if settings.dashboard else False,  # None: go on without it if it cannot run
                dashboard_host="127.0.0.1",
                dashboard_port=free_port(),
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
            f"a local cluster cannot be started ({first_line(error)})",
            "see whether memory or disk is short",
        ) from error
    end_on_sigterm()
    roots = [str(process.pid) for process in set(me.children()) - before]
    watchdog = subprocess.Popen(
        [sys.executable, "-m", "bevatron.compute.ray.watchdog", str(folder), *roots],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C on the terminal and a kill of the driver's group do not reach it
    )
    stack.callback(_end, watchdog)
    return context


def _end(watchdog: subprocess.Popen) -> None:
    """Disconnect, and kill all of Ray's processes at once: Ray would end one after the other, and wait for each."""
    import ray

    node: Any = getattr(ray._private.worker, "_global_node", None)  # type: ignore[attr-defined]
    if not hasattr(node, "kill_all_processes"):  # no public interface
        ray.shutdown()
        _dismiss(watchdog)
        return
    node.kill_all_processes = lambda *_, **__: None
    try:
        ray.shutdown()
    finally:
        _dismiss(watchdog)
        del node.kill_all_processes
        node.kill_all_processes(check_alive=False)  # hears that they have ended


def _dismiss(watchdog: subprocess.Popen) -> None:
    """Let the watchdog end Ray's processes, and wait for it."""
    if watchdog.stdin is not None:
        with suppress(OSError):
            watchdog.stdin.write(b"x")
            watchdog.stdin.close()
    try:
        watchdog.wait(timeout=30)
    except subprocess.TimeoutExpired:
        watchdog.kill()
        watchdog.wait()
