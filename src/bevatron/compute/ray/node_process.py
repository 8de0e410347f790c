"""The driver's side of the processes that start and watch over Ray on each node of a batch job."""

import json
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from bevatron.compute.ray.session import answers
from bevatron.errors import UserError

END_SECONDS, LOST_SECONDS = 40, 5


class NodeProcess:
    """A running `bevatron.compute.ray.ray_node`, here or at the far end of srun; see there for what is said."""

    def __init__(self, name: str, prefix: list[str], options: list[str], log: Path, events: "queue.Queue[NodeEvent]"):
        """`prefix` is the command that brings the process to its node; `events` gets what it says."""
        self.name, self.log = name, log
        self._remote = bool(prefix)
        self._timeout = END_SECONDS
        self.raylet: str | None = None  # the address of Ray's process there, once it is up
        with log.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "bevatron.compute.ray.ray_node", "--name", name, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C on the terminal and signals to the driver's group do not reach it
            )
        assert self._process.stdin is not None  # both are pipes, as asked for above
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        threading.Thread(target=self._listen, args=(events,), name=f"ray-node-{name}", daemon=True).start()

    def _listen(self, events: "queue.Queue[NodeEvent]") -> None:
        with self._output:
            for line in self._output:
                with suppress(ValueError):  # a batch system may print words of its own
                    events.put((self, json.loads(line)))
        events.put((self, {"event": "gone"}))

    def send(self, line: str) -> None:
        """Send one line to the process; does nothing where it has ended."""
        with suppress(OSError):  # it has ended
            self._input.write(f"{line}\n".encode())
            self._input.flush()

    def dismiss(self, all_well: bool) -> None:
        """Tell the node to end; it keeps Ray's logs unless all went well."""
        if all_well:
            self.send("end")
        if self._remote and (self.raylet is None or not answers(self.raylet)):
            self._process.terminate()  # srun may wait for a node that never came, or that is lost
            self._timeout = LOST_SECONDS
        with suppress(OSError):
            self._input.close()

    def wait(self, since: float) -> None:
        """Until the process has ended; after its patience, counted from `since`, it is killed."""
        try:
            self._process.wait(timeout=max(0.0, since + self._timeout - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def error(self, why: str) -> UserError:
        """That this node is the reason why there is no cluster."""
        return UserError(f"Ray on node {self.name}", why, f"see {self.log}")

    def last_log_line(self) -> str:
        """The last line of the node's log, of at most 200 characters."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "without a word"


NodeEvent = tuple[NodeProcess, dict[str, str]]


def dismiss_all(nodes: list[NodeProcess], all_well: bool) -> None:
    """End all nodes' processes, and wait for that."""
    for node in nodes:
        node.dismiss(all_well)
    since = time.monotonic()
    for node in nodes:
        node.wait(since)
