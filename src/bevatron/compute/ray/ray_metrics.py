"""What a Ray cluster measured of itself, archived when its session ends."""

import re
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

from bevatron.compute.ray.ray_token import TOKEN_BYTES
from bevatron.compute.ray.session import RaySession
from bevatron.regular_files import read_text

FETCH_SECONDS = 2.0
MOST_BYTES = 1 << 27


@contextmanager
def archive_metrics(folder: Path, session: RaySession) -> Iterator[None]:
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

    urls, with_token = {}, set()
    for node in ray.nodes():
        if node["Alive"] and node["MetricsExportPort"]:
            name = re.sub(r"[^\w.-]", "_", node["NodeName"] or node["NodeID"])
            urls[f"{name}.prom"] = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
    if session.dashboard_url is not None:
        urls["nodes.json"] = f"{session.dashboard_url}/nodes?view=summary"
        urls["jobs.json"] = f"{session.dashboard_url}/api/jobs/"
        with_token = {"nodes.json", "jobs.json"}  # the metrics ports ask for none, and are reached over the network
    token = read_text(session.token_path, TOKEN_BYTES).strip() if session.token_path else None
    folder.mkdir(parents=True, exist_ok=True)
    pool = ThreadPoolExecutor(min(32, len(urls)) or 1)
    fetches = [
        pool.submit(_fetch, url, token if name in with_token else None, folder / name) for name, url in urls.items()
    ]
    wait(fetches, timeout=FETCH_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)


def _fetch(url: str, token: str | None, path: Path) -> None:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    # The cluster's nodes are never behind a proxy, and whoever sends us elsewhere shall not get the token there.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    with opener.open(request, timeout=FETCH_SECONDS) as answer:
        path.write_bytes(answer.read(MOST_BYTES))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None
