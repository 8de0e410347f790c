"""The token goes to the dashboard, which asks for it, and to nobody else: real servers keep the headers."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bevatron.compute.ray.ray_metrics import archive_metrics
from bevatron.compute.ray.session import RaySession

TOKEN = "5e" * 32


@contextmanager
def server(redirect: str | None = None):
    """A server on the loopback; gives its port and a list of (path, all headers) that it fills."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, str(self.headers)))
            if redirect is not None:
                self.send_response(302)
                self.send_header("Location", redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        try:
            yield http.server_address[1], seen
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Archives a cluster of one node whose metrics port and dashboard are at these ports."""
    ray = pytest.importorskip("ray")
    (tmp_path / "token").write_text(TOKEN + "\n")

    def run(metrics: int, dashboard: int):
        node = {"Alive": True, "NodeName": "n1", "NodeID": "1", "NodeManagerAddress": "127.0.0.1",
                "MetricsExportPort": metrics}  # fmt: skip
        monkeypatch.setattr(ray, "nodes", lambda: [node])
        url = f"http://127.0.0.1:{dashboard}"
        session = RaySession(f"127.0.0.1:{metrics}", url, tmp_path / "token", 1.0, 0.0)
        with archive_metrics(tmp_path / "metrics", session):
            pass
        return {path.name for path in (tmp_path / "metrics").iterdir()}

    return run


def test_the_metrics_port_is_not_sent_the_token(archive):
    with server() as (metrics, at_metrics), server() as (dashboard, at_dashboard):
        assert archive(metrics, dashboard) == {"n1.prom", "nodes.json", "jobs.json"}
    assert [path for path, _ in at_metrics] == ["/metrics"]
    assert not [headers for _, headers in at_metrics if TOKEN in headers or "Authorization" in headers]
    assert sorted(path for path, _ in at_dashboard) == ["/api/jobs/", "/nodes?view=summary"]
    assert all(f"Authorization: Bearer {TOKEN}" in headers for _, headers in at_dashboard)


def test_the_token_does_not_follow_a_redirection(archive):
    with server() as (elsewhere, seen):
        away = f"http://127.0.0.1:{elsewhere}/catch"
        with server(away) as (metrics, _), server(away) as (dashboard, at_dashboard):
            assert archive(metrics, dashboard) == set()
        assert len(at_dashboard) == 2
    assert seen == []
