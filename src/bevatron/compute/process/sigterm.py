"""SIGTERM, which batch systems send before they kill, ends a process through its `finally` clauses."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bevatron.compute.process.flag import Flag

POLL_SECONDS, STUCK_SECONDS = 1.0, 5.0
MAX_STOP_SECONDS = 20.0  # seconds with workers that save their state, of the 30 s that Slurm leaves a cancelled job

log = logging.getLogger("bevatron")


def stop_timeout(grace_seconds: float) -> float:
    """How long to wait for others to save their state after SIGTERM."""
    return min(grace_seconds / 2, MAX_STOP_SECONDS)


class StopRequested(SystemExit):
    """SIGTERM came. Not an Exception, so that no library takes it for a failure of its own."""


def end_on_sigterm() -> None:
    """SIGTERM raises StopRequested in the main thread; call it again after ray.init, whose handler prints a stack."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def ignore_sigterm() -> None:
    """Ignore SIGTERM from here on, in the main thread."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _end(*_: object) -> None:
    raise StopRequested(128 + signal.SIGTERM)


@contextmanager
def flag_on_sigterm(flag: Flag, timeout: float, can_wait: Callable[[], bool], message: str) -> Iterator[None]:
    """Within it, SIGTERM sets the flag, for others to save their state; the second one raises StopRequested.

    The second comes by itself `timeout` seconds after the first, or when `can_wait` says that nobody is left who could
    save anything: a batch job that is cancelled gets SIGTERM in all its processes at once. Where even that does not
    reach the main thread, because a library waits for a dead cluster, the process says its last words and ends with
    exit code 2. The flag begins lowered.
    """
    flag.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    block_ended = threading.Event()

    def end_after_timeout() -> None:
        # At once: a batch system may be asked for the log before a cluster of many processes has ended.
        log.warning("SIGTERM: the state is saved and the work ends; run the same command again to continue")
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and can_wait():
            if block_ended.wait(min(POLL_SECONDS, timeout)):
                return
        if block_ended.is_set():
            return
        os.kill(os.getpid(), signal.SIGTERM)
        if not block_ended.wait(STUCK_SECONDS):
            print(f"bevatron: {message}", file=sys.stderr, flush=True)
            os._exit(2)

    def set_flag(*_: object) -> None:
        flag.set()
        signal.signal(signal.SIGTERM, _end)
        threading.Thread(target=end_after_timeout, name="bevatron-end", daemon=True).start()

    before = signal.signal(signal.SIGTERM, set_flag)
    try:
        yield
    finally:
        block_ended.set()
        signal.signal(signal.SIGTERM, before)


@contextmanager
def restore_sigterm() -> Iterator[None]:
    """Within it, the answer to SIGTERM may change; afterwards it is as before."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
