"""Lines that another process writes to a file, shown here as they come."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECONDS = 1.0


@contextmanager
def tail_log(path: Path) -> Iterator[None]:
    """Within it, what is appended to `path` goes to standard error too; the file starts and ends empty."""
    path.write_bytes(b"")
    stop = threading.Event()
    thread = threading.Thread(target=_print_new_lines, args=(path, stop), name="bevatron-log-tail", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        path.unlink(missing_ok=True)


def _print_new_lines(path: Path, stop: threading.Event) -> None:
    at = 0
    ending = False
    while not ending:
        ending = stop.wait(SECONDS)
        with path.open("rb") as file:  # opened again each time: network file systems then look whether it has grown
            file.seek(at)
            new = file.read()
        whole = new if ending else new[: new.rfind(b"\n") + 1]
        at += len(whole)
        if whole:
            sys.stderr.write(whole.decode("utf-8", "replace"))
            sys.stderr.flush()
