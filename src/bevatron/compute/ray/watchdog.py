"""Ends what is left of a private local Ray cluster, however the process that started it ended.

Ray's processes follow their driver when it is killed, but not all of them and not at once, and its temporary
folder stays. So a session starts this small process, which outlives the driver: when the pipe to its standard
input closes, by the session's end or by the driver's death, it waits for the session's processes to end,
kills those that do not, and removes the session's folder. SIGTERM, which a batch system that ends the job sends
to all at once, does not end it before.

Run as `python -m bevatron.compute.ray.watchdog FOLDER PID...` with the ids of the processes the session started.
"""

import os
import select
import signal
import sys
from pathlib import Path

from bevatron.compute.process.process_tree import GRACE_SECONDS, ProcessTree
from bevatron.compute.ray.ray_folder import remove

POLL_SECONDS = 1.0


def main(folder: Path, roots: list[int]) -> None:
    """Wait until the driver is gone or done, then end the processes of `roots` and remove the folder."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    processes = ProcessTree(roots)
    while not select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
        processes.look()
    processes.end(grace=0.0 if os.read(sys.stdin.fileno(), 1) else GRACE_SECONDS)
    remove(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(pid) for pid in sys.argv[2:]])
