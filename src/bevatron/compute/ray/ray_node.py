"""One node of a private Ray cluster over a batch job: starts Ray there, watches over it, and ends it.

The driver starts this module on every node, on its own host directly and elsewhere through `srun`, and keeps a pipe to
its standard input. It says on standard output, one JSON object a line, {"event": "up", "address": ..., "raylet": ...}
once Ray runs (the addresses of the cluster, if this is its head, and of the node), or {"event": "failed", "why": ...};
words for people go to standard error, which is the node's log. It reads

    join ADDRESS   the head's host:port, to a node that is not the head
    end            all went well: leave nothing

When its input closes, which the system does for a driver that is killed too, it ends Ray's processes by their ids and
removes their folder; without the word `end` it keeps Ray's logs first. On SIGTERM, which a batch system that ends the
job sends to all at once, it gives the driver time to say farewell. If this process itself is killed, so are Ray's.

Run as `python -m bevatron.compute.ray.ray_node --name NAME --job JOB --number N --cpus C --token FILE --kept FOLDER
...`.
"""

import argparse
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from bevatron.compute.process.process_tree import GRACE_SECONDS, ProcessTree
from bevatron.compute.ray.ports import address_towards, claim
from bevatron.compute.ray.ray_folder import base_folder, keep_logs, own_folder, remove, remove_stale
from bevatron.compute.ray.ray_start import ray_start_command, ray_start_environment
from bevatron.errors import UserError

POLL_SECONDS = 0.2
LOOK_SECONDS = 1.0
FAREWELL_SECONDS = 25  # of the 30 s that Slurm by default leaves between SIGTERM and SIGKILL
TIMES = 3  # that Ray is started with other ports, if somebody takes one of them first
PR_SET_PDEATHSIG = 1


class Driver:
    """The words of the process that started this one."""

    def __init__(self) -> None:
        self._text = b""
        self._farewell = float("inf")
        self.address: str | None = None
        self.all_well = False
        self.gone = False
        signal.signal(signal.SIGTERM, self._sigterm)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's

    def _sigterm(self, *_: object) -> None:
        self._farewell = min(self._farewell, time.monotonic() + FAREWELL_SECONDS)

    def listen(self) -> None:
        """Wait a moment for the next words."""
        if select.select([sys.stdin], [], [], POLL_SECONDS)[0]:
            data = os.read(sys.stdin.fileno(), 4096)
            *lines, self._text = (self._text + data).split(b"\n")
            for line in lines:
                word, _, argument = line.decode().partition(" ")
                if word == "join":
                    self.address = argument
                elif word == "end":
                    self.all_well = True
            self.gone = self.gone or not data
        self.gone = self.gone or self.all_well or time.monotonic() > self._farewell


def main() -> int:
    """Run one node until the driver ends it; the exit code."""
    options = parse_arguments()
    driver = Driver()
    token = options.token.read_text(encoding="ascii")
    try:
        with ExitStack() as stack:
            if options.head:
                stack.callback(remove_token, options.token, token)
            return serve(options, driver, stack)
    except (OSError, UserError) as error:
        return fail(str(error))


def serve(options: argparse.Namespace, driver: Driver, stack: ExitStack) -> int:
    """Start Ray, wait for the end, and end it."""
    while not options.head and driver.address is None:
        driver.listen()
        if driver.gone:
            return 0
    peer = options.peer if driver.address is None else driver.address.rpartition(":")[0]
    address = address_towards(peer)
    base = base_folder()
    remove_stale(base)
    for number in range(TIMES):
        with ExitStack() as attempt:
            folder, lock = own_folder(base, f"bv-{options.job}-")
            attempt.callback(lock.close)
            attempt.callback(remove, folder)
            ports = claim(options.job, options.number + number, options.cpus)
            attempt.callback(ports.release)
            ray = subprocess.Popen(
                ray_start_command(options, driver.address, address, ports, folder),
                env=ray_start_environment(options.token, ports),
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                preexec_fn=end_with_parent(),
                start_new_session=True,  # signals to this process's group do not reach Ray
            )
            processes = ProcessTree([ray.pid], adopting=True)
            attempt.callback(end, ray, processes)
            if came_up(ray, driver, processes, folder):
                send_event(
                    event="up",
                    address=f"{address}:{ports.port('gcs')}",
                    raylet=f"{address}:{ports.port('node_manager')}",
                )
                attempt.callback(keep_logs_unless_well, driver, folder, options)
                return watch(ray, driver, processes)
            if driver.gone:
                return 0
            keep_logs(folder, options.kept / "logs" / options.name)
            end(ray, processes)
            if ports.is_free():
                return fail("`ray start` failed")
        print("somebody has taken one of the ports meanwhile: trying others", file=sys.stderr)
    return fail(f"its ports were taken by others {TIMES} times")


def came_up(ray: subprocess.Popen, driver: Driver, processes: ProcessTree, folder: Path) -> bool:
    """Wait until `ray start` has written its address file, which is the last that it does."""
    while not (folder / "r" / "ray_current_cluster").exists():
        if ray.poll() is not None or driver.gone:
            return False
        driver.listen()
    processes.look()
    return True


def watch(ray: subprocess.Popen, driver: Driver, processes: ProcessTree) -> int:
    """Wait for the end; 1 if Ray ended by itself."""
    looked = time.monotonic()
    while not driver.gone:
        driver.listen()
        if ray.poll() is not None:
            return fail("Ray ended by itself")
        if time.monotonic() - looked > LOOK_SECONDS:
            processes.look()
            looked = time.monotonic()
    return 0


def end(ray: subprocess.Popen, processes: ProcessTree) -> None:
    """End Ray's processes and all that they have started, for none must outlive the folder.

    `ray start` ends them in order, but not the workers that its raylet has just started, as it does when SIGTERM from
    the batch system has ended those that it had: they look for Ray for 20 s, and make the removed folder again.
    """
    processes.look()
    ray.terminate()
    with suppress(subprocess.TimeoutExpired):
        ray.wait(GRACE_SECONDS)
    processes.end(grace=0)
    ray.wait()


def keep_logs_unless_well(driver: Driver, folder: Path, options: argparse.Namespace) -> None:
    """Keep Ray's logs in the folder `kept`, unless the driver said that all went well."""
    if not driver.all_well:
        keep_logs(folder, options.kept / "logs" / options.name)


def remove_token(path: Path, token: str) -> None:
    """Remove the token's file, unless a later session has put its own there."""
    with suppress(OSError):
        if path.read_text(encoding="ascii") == token:
            path.unlink()


def end_with_parent():
    """A function for the child, between fork and exec: the kernel kills it when its parent dies (Linux)."""
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def fail(why: str) -> int:
    """Say why there is no Ray here, to people and to the driver; the exit code."""
    print(why, file=sys.stderr)
    send_event(event="failed", why=why)
    return 1


def send_event(**event: str) -> None:
    """Write one JSON object to the driver; does nothing where the driver is gone."""
    with suppress(BrokenPipeError):
        print(json.dumps(event), flush=True)


def parse_arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description="One node of a private Ray cluster over a batch job.")
    parser.add_argument("--name", required=True, help="of the node, in Slurm and in Ray")
    parser.add_argument("--job", required=True, help="id of the batch job")
    parser.add_argument("--number", type=int, required=True, help="of the node in the job, from 0")
    parser.add_argument("--head", action="store_true")
    parser.add_argument("--peer", help="address of another node, which the head must be able to reach")
    parser.add_argument("--dashboard", action="store_true")
    parser.add_argument("--cpus", type=int, required=True)
    parser.add_argument("--gpus", type=int, help="default: those visible")
    parser.add_argument("--memory", type=int, help="bytes; default: those of the host")
    parser.add_argument("--token", type=Path, required=True, help="file of the cluster's token")
    parser.add_argument("--kept", type=Path, required=True, help="folder for what remains")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
