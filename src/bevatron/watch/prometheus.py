"""A private Prometheus over the Ray clusters of a workflow, as long as somebody watches."""

import json
import shutil
import tempfile
from pathlib import Path

from bevatron.errors import UserError
from bevatron.store.files.live_file import write_live
from bevatron.watch.live_runs import LiveRuns
from bevatron.watch.server import LOOPBACK, announce, free_port, run_server

USUAL_PORT = 9090  # where Ray's dashboards look for it if RAY_PROMETHEUS_HOST does not say otherwise
SETTINGS = """\
global: {scrape_interval: 5s, scrape_timeout: 4s}
scrape_configs:
  - job_name: ray
    file_sd_configs:
      - {files: [TARGETS], refresh_interval: 5s}
"""


def write_targets(path: Path, runs: LiveRuns) -> int:
    """Write what Prometheus is to ask, by its file-based service discovery: the metrics ports of all nodes of the
    clusters that run now, with the names of study and model. Returns how many ports there are.
    """
    runs.look()
    groups = [
        {"targets": list(session.metrics), "labels": {"study": session.study, "model": session.model}}
        for session in runs.sessions
        if session.metrics
    ]
    write_live(path, groups)
    return sum(len(session.metrics) for session in runs.sessions)


def serve_prometheus(runs: LiveRuns, port: int | None) -> None:
    """Run Prometheus on the loopback address until Ctrl-C; its data are gone with it.

    Raises UserError where it is not installed, the port is taken, or it ends by itself.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise UserError("prometheus", "is not installed", "apt-get install prometheus, or use that of your site: "
                        "docs/how-to/watch.md")  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="bevatron-prometheus-"))  # 0700: for this user alone
    try:
        targets = folder / "targets.json"
        n = write_targets(targets, runs)
        (folder / "prometheus.yml").write_text(SETTINGS.replace("TARGETS", json.dumps(str(targets))), encoding="utf-8")
        chosen = free_port(port, USUAL_PORT)
        command = [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        command += [f"--web.listen-address={LOOPBACK}:{chosen}", "--log.level=error"]
        announce(f"Prometheus of {n} Ray nodes", chosen)
        run_server("prometheus", command, lambda: write_targets(targets, runs))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
