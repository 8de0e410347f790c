"""Log lines: coloured on a terminal, plain with the time of day in a file."""

import atexit
import logging
import os
import subprocess
import sys
from pathlib import Path


def start_logging() -> None:
    """Send the logger "bevatron" to standard error, once a process."""
    log = logging.getLogger("bevatron")
    if log.handlers:
        return
    log.setLevel(logging.INFO)
    log.propagate = False
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.logging import RichHandler

        handler: logging.Handler = RichHandler(console=Console(stderr=True), show_path=False)
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)


def log_to(file: Path) -> None:
    """Send the logger "bevatron" to the end of `file` alone, as a worker does whose own output nobody reads."""
    log = logging.getLogger("bevatron")
    log.setLevel(logging.INFO)
    log.propagate = False
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    log.handlers[:] = [handler]


def copy_output(file: Path) -> None:
    """From here on, all that this process and its children say goes into `file` too, tracebacks included.

    A `tee` of our own, where a rule could write `| tee`: there the shell stays between Snakemake and this process,
    and dies of a SIGTERM that was meant for it. Call it before logging starts.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    file.open("w").close()  # a fault of the place is told here
    # -p: goes on writing the file when nobody reads the terminal's side any more. trap: a batch system that cancels a
    # job sends SIGTERM to all its processes, and what the others say of it is still to be written.
    tee = subprocess.Popen(
        ["sh", "-c", 'trap "" TERM; exec tee -p "$1"', "tee", str(file)],
        stdin=subprocess.PIPE,
        start_new_session=True,  # signals to our group do not reach it: it ends with its last writer
    )
    assert tee.stdin is not None  # a pipe, as asked for above
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(tee.stdin.fileno(), stream.fileno())
    tee.stdin.close()
    atexit.register(_wait_for, tee)


def forget_logging() -> None:
    """In a fork that is none of this process's work: it logs nothing of it, and waits for nobody."""
    log = logging.getLogger("bevatron")
    log.handlers.clear()
    log.setLevel(logging.NOTSET)
    log.propagate = True
    atexit.unregister(_wait_for)


def _wait_for(tee: subprocess.Popen, seconds: float = 5.0) -> None:
    """Close our ends of the pipe, so that the last lines are in the file before this process is gone."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(nothing, stream.fileno())
    os.close(nothing)
    try:
        tee.wait(timeout=seconds)
    except subprocess.TimeoutExpired:  # a child that lives on holds the pipe
        tee.returncode = 0  # and need not be warned of
