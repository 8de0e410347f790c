"""Where a cluster's dashboard is, in a file as long as the cluster runs: for `bevatron watch`."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bevatron.compute.ray.session import RaySession
from bevatron.store.files.live_file import write_live

SESSION = "session.json"


def metrics_addresses() -> list[str]:
    """host:port of the Prometheus endpoint of each node of the cluster to which Ray is connected."""
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"] and node["MetricsExportPort"]]
    return [f"{node['NodeManagerAddress']}:{node['MetricsExportPort']}" for node in nodes]


@contextmanager
def recorded_session(records: Path, session: RaySession) -> Iterator[None]:
    """Within it, `records / SESSION` names the dashboard, the token's file (never the token), the metrics
    ports and this process.

    Where this process is killed the file stays; its `pid` and `host` tell that nobody is there any more. A fault in
    writing it costs no work.
    """
    path = records / SESSION
    with suppress(OSError):
        records.mkdir(parents=True, exist_ok=True)
    write_live(
        path,
        {
            "dashboard_url": session.dashboard_url,
            "token_file": None if session.token_path is None else str(session.token_path),
            "host": socket.gethostname(),
            "login_host": os.environ.get("SLURM_SUBMIT_HOST"),
            "pid": os.getpid(),
            "cpus": session.cpus,
            "gpus": session.gpus,
            "metrics": metrics_addresses(),
            "started": time.time(),
        },
    )
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
