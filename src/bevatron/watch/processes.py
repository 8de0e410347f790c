"""Whether a process that has written its id into a file is still there."""

import os
import socket
from contextlib import suppress
from pathlib import Path

HOST = socket.gethostname()


def start_ticks(pid: int) -> int | None:
    """When the process started, in the kernel's ticks: an id that is used again has other ones."""
    with suppress(OSError, ValueError, IndexError):
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        return int(after_name.split()[19])
    return None


def has_ended(pid: int, host: str, ticks: int | None = None) -> bool | None:
    """Whether the process has ended; None where it is on another machine and nobody here can know."""
    if host != HOST:
        return None
    if pid <= 0:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return ticks is not None and start_ticks(pid) != ticks
