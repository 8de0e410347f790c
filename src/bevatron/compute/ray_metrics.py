"""What a Ray cluster measured of itself, archived when its session ends."""

import re
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

from bevatron.compute.session import RaySession

FETCH_SECONDS = 2.0


@contextmanager
def metrics_archived(folder: Path, session: RaySession) -> Iterator[None]:
    """At the end of the block, however it ends, write the cluster's metrics and summaries into `folder`.

    `NODE.prom` is each node's Prometheus endpoint, nodes.json and jobs.json the dashboard's words. What does not answer
    within two seconds is left out: nothing waits for figures.
    """
    try:
        yield
    finally:
        with suppress(Exception):  # the work's own end or error is what counts
            if session.is_reachable():
                _archive(folder, session)


def _archive(folder: Path, session: RaySession) -> None:
    import ray

    urls = {}
    for node in ray.nodes():
        if node["Alive"] and node["MetricsExportPort"]:
            name = re.sub(r"[^\w.-]", "_", node["NodeName"] or node["NodeID"])
            urls[f"{name}.prom"] = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    if session.dashboard_url is not None:
        urls["nodes.json"] = f"{session.dashboard_url}/nodes?view=summary"
        urls["jobs.json"] = f"{session.dashboard_url}/api/jobs/"
    token = session.token_path.read_text(encoding="ascii").strip() if session.token_path else None
    folder.mkdir(parents=True, exist_ok=True)
    pool = ThreadPoolExecutor(min(32, len(urls)) or 1)
    fetches = [pool.submit(_fetch, url, token, folder / name) for name, url in urls.items()]
    wait(fetches, timeout=FETCH_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)


def _fetch(url: str, token: str | None, path: Path) -> None:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # the cluster's nodes are never behind a proxy
    with opener.open(request, timeout=FETCH_SECONDS) as answer:
        path.write_bytes(answer.read())
