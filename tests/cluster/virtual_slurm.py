"""A real Slurm on this one host: munge, a controller, and virtual nodes with fake GPUs, below one folder."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from slurm_conf import write_slurm_conf
from warden import descendants

WARDEN = Path(__file__).with_name("warden.py")
DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo", "sacct", "sacctmgr", "sshare")
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
SOCKET_PATH_LIMIT = 107
LONGEST_SOCKET = "/spool/node1/node1_123456.4294967291"


class SlurmTrouble(AssertionError):
    """Slurm did not do within the time what it should; the text holds the ends of its logs."""


def missing() -> str | None:
    """Why no virtual Slurm can run here; None if one can."""
    if os.getuid() != 0:
        return "a virtual Slurm needs root"
    absent = [name for name in (*DAEMONS, *COMMANDS) if shutil.which(name, path=SYSTEM_PATH) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (Debian: apt-get install slurm-wlm munge)"
    return None


class VirtualSlurm:
    """Slurm of `nodes` virtual nodes, each with `cpus` cores, `gpus` fake GPUs and `memory_mb` of memory, had or not.

    Everything lies below `root`. Each daemon runs under a warden, so that it ends with all that it started: by
    `stop`, or when the process that holds this object ends, however it ends.
    """

    def __init__(
        self, root: Path, nodes: int = 3, cpus: int = 4, gpus: int = 2, memory_mb: int = 100_000, first_job: int = 1
    ):
        if len(str(root) + LONGEST_SOCKET) > SOCKET_PATH_LIMIT:
            raise ValueError(f"{root}: too long a name for the unix sockets below it; use pytest --basetemp")
        self.root = root
        for folder in ("etc", "run", "log", "state", "munge", "bin", "spool"):
            (root / folder).mkdir(parents=True)
        controller_port, *ports = free_ports(nodes + 1)
        self.nodes = {f"node{number}": port for number, port in enumerate(ports, start=1)}
        self.conf = write_slurm_conf(root, controller_port, self.nodes, cpus, gpus, memory_mb, first_job)
        self._write_wrappers()
        self._wardens: dict[str, list[subprocess.Popen]] = {}  # a daemon's that was killed alone has orphans to hold
        self._pids: dict[str, int] = {}  # of the daemons themselves

    def __enter__(self) -> "VirtualSlurm":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        key = self.root / "munge" / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        names = ("key-file=key", "socket=socket", "pid-file=munged.pid", "log-file=munged.log", "seed-file=seed")
        options = [f"--{name.replace('=', f'={self.root}/munge/')}" for name in names]
        self._launch("munged", "munged", "--foreground", "--force", *options)
        self.wait_until(lambda: (self.root / "munge" / "socket").exists(), "munged's socket", 20)
        self._launch("slurmctld", "slurmctld", "-D")
        for name in self.nodes:
            self._start_node(name)
        self.wait_until(lambda: self.states() == dict.fromkeys(self.nodes, "IDLE"), "all nodes idle", 60)

    def stop(self) -> None:
        """End every process; the nodes first, as their jobs may still ask the controller."""
        for name in (*self.nodes, "slurmctld", "munged"):
            self._end(name)

    def restart_controller(self) -> None:
        """End the controller as an administrator would, and start it again; jobs go on meanwhile."""
        self.end_controller(signal.SIGTERM)
        self.start_controller()

    def end_controller(self, by: signal.Signals = signal.SIGKILL) -> None:
        """End the controller; nobody answers then, and jobs go on."""
        os.kill(self._pids["slurmctld"], by)
        for warden in self._wardens["slurmctld"]:
            warden.wait(timeout=60)
        self._end("slurmctld")

    def start_controller(self) -> None:
        self._launch("slurmctld", "slurmctld", "-D")
        self.wait_until(lambda: bool(self.states()), "the controller's answer", 60)

    def kill_node(self, name: str) -> None:
        """SIGKILL to the node's daemon and to all processes of its jobs, as when its power fails."""
        self._end(name)

    def kill_daemon(self, name: str) -> None:
        """SIGKILL to the node's daemon alone: the processes of its jobs go on."""
        os.kill(self._pids.pop(name), signal.SIGKILL)

    def start_daemon(self, name: str) -> None:
        """Start the daemon of a node where it was killed, seen as down or not."""
        if self._pids.get(name) is None:
            self._start_node(name)

    def processes(self, name: str) -> set[int]:
        """Ids of the node's processes other than its daemon."""
        wardens = {warden.pid for warden in self._wardens.get(name, [])}
        below = set().union(*(descendants(pid) for pid in wardens))
        return below - wardens - {self._pids.get(name)}

    def revive_node(self, name: str) -> None:
        """Start a killed node again, once the controller has seen its failure, and wait until it takes jobs."""
        self.wait_until(lambda: self.states()[name] == "DOWN", f"{name} is seen as down", 60)
        self._start_node(name)
        self.wait_until(lambda: self.states()[name] in ("IDLE", "MIXED", "ALLOCATED"), f"{name} takes jobs", 60)

    def environment(self) -> dict[str, str]:
        """Variables in which Slurm's commands speak to this Slurm, also below jobs that drop SLURM_CONF."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "SBATCH_"))}
        path = [str(self.root / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", ""), SYSTEM_PATH]
        return {**inherited, "SLURM_CONF": str(self.conf), "PATH": os.pathsep.join(path)}

    def ask(self, *command: str) -> str:
        """Output of one of Slurm's commands; raises SlurmTrouble if it fails."""
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise SlurmTrouble(f"{' '.join(command)}: {done.stderr.strip()}\n{self.logs()}")
        return done.stdout

    def states(self) -> dict[str, str]:
        """State of each node by name, as IDLE or DOWN; empty while the controller does not answer."""
        command = ("sinfo", "--noheader", "--Node", "--format=%N %T")
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=120)
        pairs = (line.split() for line in done.stdout.splitlines())
        return {name: re.sub(r"\W", "", state).upper() for name, state in pairs} if done.returncode == 0 else {}

    def jobs(self, about: str = "") -> list[dict[str, str]]:
        """Records of all jobs whose comment (rule and wildcards) or working folder holds `about`, oldest first."""
        lines = self.ask("scontrol", "--oneliner", "show", "job").splitlines()
        records = [dict(re.findall(r"(?:^|\s)([\w:/]+)=(.*?)(?=\s[\w:/]+=|\s*$)", line)) for line in lines]
        found = [job for job in records if about in f"{job.get('Comment', '')} {job.get('WorkDir', '')}"]
        return sorted((job for job in found if "JobId" in job), key=lambda job: int(job["JobId"]))

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Poll until the condition holds; raises SlurmTrouble with Slurm's logs after `seconds`."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise SlurmTrouble(f"not within {seconds:g} s: {what}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self, lines: int = 40) -> str:
        """The ends of all daemons' logs."""
        paths = [*sorted((self.root / "log").glob("*.log")), self.root / "munge" / "munged.log"]
        texts = [(path, path.read_text(errors="replace").splitlines()) for path in paths if path.exists()]
        return "\n".join(f"--- {path.name}\n" + "\n".join(text[-lines:]) for path, text in texts)

    def _start_node(self, name: str) -> None:
        (self.root / "spool" / name).mkdir(exist_ok=True)
        self._launch(name, "slurmd", "-D", "-N", name)

    def _launch(self, name: str, program: str, *arguments: str) -> None:
        command = [sys.executable, "-S", str(WARDEN), shutil.which(program, path=SYSTEM_PATH), *arguments]
        with (self.root / "log" / f"{name}.out.log").open("a") as log:
            # a group of its own: Ctrl-C ends pytest, and pytest's finalizer ends this
            warden = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self.root, text=True,
                env=self.environment(), start_new_session=True,
            )  # fmt: skip
        self._wardens.setdefault(name, []).append(warden)
        self._pids[name] = int(warden.stdout.readline() or 0)

    def _end(self, name: str) -> None:
        self._pids.pop(name, None)
        for warden in self._wardens.pop(name, []):
            warden.stdin.close()
            warden.wait(timeout=60)
            warden.stdout.close()

    def _write_wrappers(self) -> None:
        """Snakemake's job step drops SLURM_CONF before a rule runs: wrappers, first in PATH, set it again."""
        for name in COMMANDS:
            wrapper = self.root / "bin" / name
            program = shutil.which(name, path=SYSTEM_PATH)
            wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={self.conf} exec {program} "$@"\n')
            wrapper.chmod(0o755)


def free_ports(count: int) -> list[int]:
    """TCP ports that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
