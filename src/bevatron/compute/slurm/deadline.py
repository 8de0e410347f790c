"""The time limit of the batch job, before which fits save their state and end."""

import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bevatron.compute.slurm.allocation import ask, job_id
from bevatron.errors import UserError

log = logging.getLogger("bevatron")
SHARE = 0.25


@contextmanager
def sigterm_before_the_end(seconds: float) -> Iterator[None]:
    """Within it, this process gets SIGTERM `seconds` before the time limit of the Slurm job in which it runs.

    In a job so short that it would hardly begin, a quarter of its time is left for the end. Outside a Slurm job, or in
    one without a limit, nothing happens. Slurm itself would send SIGTERM at the limit, and SIGKILL 30 s later by
    default, which is too late for a fit with long blocks. The limit is read once: a later change of it is not seen.
    """
    left = seconds_left()
    if left is None:
        yield
        return
    grace = min(seconds, SHARE * left)
    log.info("the batch job ends in %.0f s; the work is saved and ended %.0f s before", left, grace)
    timer = threading.Timer(left - grace, os.kill, (os.getpid(), signal.SIGTERM))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def seconds_left() -> float | None:
    """Seconds until the time limit of this process's Slurm job; None outside of one, or if there is no limit."""
    job = job_id()
    if job is None:
        return None
    try:
        return parse_time(ask("squeue", "-h", "-j", job, "-o", "%L"))
    except UserError as error:
        log.warning("the batch job's time limit is unknown (%s)", error)
        return None


def parse_time(words: str) -> float | None:
    """Seconds of Slurm's [days-][[hours:]minutes:]seconds; None of UNLIMITED, INVALID and the like."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(?:(\d+):)?(\d+):)?(\d+)", words.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
