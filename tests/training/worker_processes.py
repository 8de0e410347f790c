"""Workers of several, which one process forks that has imported everything: see `ddp_worker.py`."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WORKER = Path(__file__).with_name("ddp_worker.py")


class WorkerProcesses:
    """The process that forks workers."""

    def __init__(self, process: subprocess.Popen):
        self._process = process

    def run(self, job: Path, size: int, errors: list[Path], strategy: str = "ddp", kill_after: int = 0) -> list[int]:
        """The exit codes of `size` workers that fit the job in a file, once all have ended."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        request = {"job": job, "size": size, "port": port, "strategy": strategy, "kill_after": kill_after}
        print(json.dumps({**request, "errors": errors}, default=str), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@contextmanager
def worker_processes() -> Iterator[WorkerProcesses]:
    """The process, started here and ended at the end."""
    command = [sys.executable, WORKER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield WorkerProcesses(process)
        process.stdin.close()
