"""The command that starts Ray's processes on one node of a batch job, with every port and every amount named."""

import argparse
import os
import sys
from pathlib import Path

from bevatron.compute.process.environment import RAY_SETTINGS
from bevatron.compute.ray.ports import PortBlock

OBJECT_STORE_BYTES = 256 * 2**20  # only settings and numbers pass through it; data sets are read from files
EXCLUDED, INHERITED = ("SLURM_", "RAY_ADDRESS", "RAY_AUTH_"), ("SLURM_JOB_ID", "SLURM_CONF")


def ray_start_command(
    options: argparse.Namespace, head: str | None, address: str, ports: PortBlock, folder: Path
) -> list[str]:
    """`ray start` in the foreground; `head` is the address of the cluster's head, None for the head itself.

    Only the dashboard and Ray's own server for it listen on the loopback; what other nodes must reach listens on
    `address` or on all interfaces, and asks for the token (except for the metrics, which anybody may read).
    """
    first, last = ports.workers
    settings = {
        "node-name": options.name,
        "node-ip-address": address,
        "num-cpus": options.cpus,
        "num-gpus": options.gpus,
        "memory": options.memory,
        "object-store-memory": OBJECT_STORE_BYTES,
        "temp-dir": folder / "r",
        "node-manager-port": ports.port("node_manager"),
        "object-manager-port": ports.port("object_manager"),
        "dashboard-agent-listen-port": ports.port("agent_http"),
        "dashboard-agent-grpc-port": ports.port("agent_grpc"),
        "metrics-export-port": ports.port("metrics"),
        "runtime-env-agent-port": ports.port("runtime_env"),
        "ray-client-server-port": ports.port("client"),  # closed by the hook
        "min-worker-port": first,
        "max-worker-port": last,
    }
    if head is None:
        settings |= {
            "port": ports.port("gcs"),
            "dashboard-host": "127.0.0.1",
            "dashboard-port": ports.port("dashboard"),
        }
        if not options.dashboard:
            settings["include-dashboard"] = "false"
    else:
        settings["address"] = head
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
    command += ["--head", "--no-monitor"] if head is None else []  # the monitor is for clusters that grow
    return command + [f"--{name}={value}" for name, value in settings.items() if value is not None]


def ray_start_environment(token: Path, ports: PortBlock) -> dict[str, str]:
    """The environment of Ray's processes, and hence of what runs in them: the same on all nodes.

    Slurm's variables differ between a batch step and one of srun's, and libraries draw conclusions from them.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(EXCLUDED) or name in INHERITED
    }
    return {
        **inherited,
        **RAY_SETTINGS,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_START_HOOK": "bevatron.compute.ray.ray_start_hook.without_client_server",
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # the driver has ended before
        "DASHBOARD_METRIC_PORT": str(ports.port("dashboard_metrics")),
    }
