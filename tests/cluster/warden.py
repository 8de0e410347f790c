"""One program and all that it starts, as one thing that can be killed at once: a daemon of the virtual Slurm, say.

Run as `python -S warden.py COMMAND ...`. Processes that daemonise or outlive their parent are adopted by the warden
(Linux: child subreaper), so that all processes of a virtual node are its descendants, as all processes of a real node
vanish with it. When the warden's standard input closes, by the test's wish or by the test's own death, every
descendant gets SIGKILL and the warden ends. It also ends, with the program's exit code, when nothing is left to wait
for. Its first line of output is the program's process id.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(command: list[str]) -> int:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr).pid
    print(program, flush=True)
    ended: dict[int, int] = {}
    while reap(ended) and not select.select([sys.stdin], [], [], 0.2)[0]:
        pass
    while reap(ended):  # what a dying process starts meanwhile is found in the next round
        for pid in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    return ended[program]


def reap(ended: dict[int, int]) -> bool:
    """Take the exit codes of the ended children; whether any children are left."""
    try:
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            ended[child[0]] = os.waitstatus_to_exitcode(child[1])
    except ChildProcessError:
        return False
    return True


def descendants(root: int) -> set[int]:
    """Process ids below `root`."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # the name stands in parentheses and may hold any character; the parent is the second field after it
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found, known = set(), {root}
    while known:
        known = {pid for pid, parent in parents.items() if parent in known} - found
        found |= known
    return found


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.exit(code if code >= 0 else 128 - code)
