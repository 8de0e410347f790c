"""A Ray cluster to which this process is connected."""

import logging
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("bevatron")
REACH_SECONDS, LOSS_SECONDS = 3.0, 1.0


@dataclass(frozen=True)
class RaySession:
    """A cluster to which this process is connected.

    `dashboard_url` is None where there is no dashboard, `token_path` None where the cluster asks for no token;
    `cpus` and `gpus` are the sums over all nodes.
    """

    address: str
    dashboard_url: str | None
    token_path: Path | None
    cpus: float
    gpus: float

    nodes: tuple["RayNode", ...] = ()

    def is_reachable(self) -> bool:
        """Whether the cluster's head still answers; Ray's own calls would wait long for a dead one."""
        return answers(self.address.removeprefix("ray://"))

    def lost_node(self) -> str | None:
        """The name of a node that no longer answers, of those of the session's start.

        Where a process of the node has died, Ray itself learns only later that the node has. Takes a second if none
        is lost, for a dying node's processes do not end all at once.
        """
        for pause in (0.0, LOSS_SECONDS):
            time.sleep(pause)
            for node in self.nodes:
                if not answers(node.address):
                    return node.name
        return None


@dataclass(frozen=True)
class RayNode:
    """A node of a Ray cluster; `address` is host:port of its manager, the raylet."""

    name: str
    address: str


def answers(address: str) -> bool:
    """Whether somebody listens at host:port."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=REACH_SECONDS):
            return True
    except OSError:
        return False


def session_of(address: str, dashboard: str | None, token: Path | None) -> RaySession:
    """The session of the cluster to which Ray is connected; `dashboard` is host:port."""
    import ray

    total = ray.cluster_resources()
    url = f"http://{dashboard}" if dashboard else None
    nodes = (
        RayNode(node["NodeName"], f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}")
        for node in ray.nodes()
        if node["Alive"]
    )
    return RaySession(address, url, token, total.get("CPU", 0.0), total.get("GPU", 0.0), tuple(nodes))


def log_dashboard(session: RaySession, requested: bool) -> None:
    """Log where the dashboard is and how to reach it, or print it where there is no log."""
    if session.dashboard_url is not None:
        port = session.dashboard_url.rpartition(":")[2]
        host, login = socket.gethostname(), os.environ.get("SLURM_SUBMIT_HOST")
        jump = f"-J {login} " if login and login != host else ""  # a node of a batch job is reached from its login node
        line = (
            f"Ray dashboard: {session.dashboard_url} (log in with the token in {session.token_path}; "
            f"from another machine first: ssh {jump}-L {port}:127.0.0.1:{port} {host})"
        )
        if log.isEnabledFor(logging.INFO) and log.hasHandlers():
            log.info(line)
        else:
            print(line, flush=True)
    elif requested:
        log.warning("the Ray dashboard could not be started; the work goes on without it")


def cpus_of_job() -> int:
    """The CPU cores this process may use, which is what a batch job or container was given."""
    return len(os.sched_getaffinity(0))


def first_line(error: Exception) -> str:
    """A library's error on one line: its kind and its first words."""
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]
