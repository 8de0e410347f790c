"""A Slurm of its own for the injections of one lane, and what repairs it after each of them."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from virtual_slurm import SlurmTrouble, VirtualSlurm

READY = ("IDLE", "MIXED", "ALLOCATED", "COMPLETING")
REPAIRED = 120.0  # seconds within which a Slurm is whole again
JOBS_A_LANE = 1_000_000  # lanes number their jobs apart, as Ray's ports and folders follow from these numbers


class Lane:
    """Slurm's controller and three nodes; `temporary` is where the jobs of its injections have their TMPDIR."""

    def __init__(self, folder: Path, number: int):
        self.temporary = folder
        self.slurm = VirtualSlurm(folder / f"s{number}", first_job=1 + number * JOBS_A_LANE)
        self.controller_answers = True

    def __enter__(self) -> "Lane":
        self.slurm.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.slurm.stop()

    def end_controller(self) -> None:
        self.controller_answers = False
        self.slurm.end_controller()

    def start_controller(self) -> None:
        if not self.controller_answers:
            self.slurm.start_controller()
            self.controller_answers = True

    def set_state(self, node: str, state: str) -> None:
        """What an administrator does to a node: `down`, `drain` or `resume`."""
        self.slurm.ask("scontrol", "update", f"nodename={node}", f"state={state}", "reason=injected")

    def resume(self, node: str) -> None:
        """Take back an administrator's `down` or `drain`; a node that was lost meanwhile comes back by its daemon."""
        self.start_controller()
        with suppress(SlurmTrouble):
            self.set_state(node, "resume")

    def processes(self) -> list[psutil.Process]:
        """All processes on the nodes but Slurm's own daemons."""
        found = []
        for name in self.slurm.nodes:
            for pid in self.slurm.processes(name):
                with suppress(psutil.Error):
                    found.append(psutil.Process(pid))
        return found

    def repair(self, wait_until: Callable[[Callable[[], bool], str, float], None]) -> None:
        """End all jobs, bring all nodes back and end what is left on them."""
        self.start_controller()
        for name in self.slurm.nodes:
            self.slurm.start_daemon(name)
        for job in self.slurm.jobs():
            if job["JobState"] in ("PENDING", "RUNNING", "SUSPENDED", "CONFIGURING"):
                self.slurm.ask("scancel", "--signal=KILL", "--full", job["JobId"])
                self.slurm.ask("scancel", job["JobId"])
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

        def all_idle() -> bool:
            states = self.slurm.states()
            for name, state in states.items():
                if state not in READY:
                    self.resume(name)
            return set(states.values()) == {"IDLE"}

        wait_until(all_idle, "all nodes idle", REPAIRED)
