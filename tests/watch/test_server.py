"""Servers that run as long as somebody watches: on the loopback address, and gone with the watcher."""

import json
import os
import signal
import socket
import sys
import threading
import time

import pytest
from workflow_folder import touch, write_progress

from bevatron.errors import UserError
from bevatron.watch import prometheus, server
from bevatron.watch.live_runs import LiveRuns


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match="is in use on"):
            server.free_port(port, 6006)
        assert server.free_port(None, port) != port
    assert server.free_port(port, 6006) == port


def test_a_server_that_ends_by_itself_is_told_with_its_last_words():
    command = [sys.executable, "-c", "print('a'); print('no space left'); raise SystemExit(3)"]
    with pytest.raises(UserError, match="has ended \\(no space left\\)"):
        server.run_server("x", command, lambda: None)


def test_a_signal_ends_the_server_and_nothing_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "REFRESH_SECONDS", 0.05)
    refreshed = []
    command = [sys.executable, "-c", f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()));"
               " time.sleep(60)"]  # fmt: skip

    def end() -> None:
        while not refreshed or not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=end)
    thread.start()
    server.run_server("x", command, lambda: refreshed.append(1))
    thread.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert signal.getsignal(signal.SIGTERM) == before


def test_prometheus_is_told_the_nodes_of_all_clusters_that_run(tmp_path):
    def session(name: str, **values) -> None:
        path = tmp_path / "runs" / name / "ray/session.json"
        touch(path)
        path.write_text(json.dumps({"host": "elsewhere", "pid": 7, "dashboard_url": None} | values))

    write_progress(tmp_path / "runs/a", kind="search", model="net", trials=3)
    session("a", metrics=["10.0.0.1:9000", "10.0.0.2:9000"])
    write_progress(tmp_path / "runs/b", model="other")
    session("b", metrics=["node-7.example:80", "x y", "http://evil/", 3])
    write_progress(tmp_path / "runs/c", model="killed")
    session("c", metrics=["10.0.0.9:1"], host=socket.gethostname(), pid=2**22 + 1)
    assert prometheus.write_targets(tmp_path / "targets.json", LiveRuns(tmp_path / "runs")) == 3
    groups = json.loads((tmp_path / "targets.json").read_text())
    assert {group["labels"]["model"]: group["targets"] for group in groups} == {
        "net": ["10.0.0.1:9000", "10.0.0.2:9000"],
        "other": ["node-7.example:80"],
    }
    assert all(group["labels"]["study"] == "curve" for group in groups)


def test_where_prometheus_is_missing_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt-get install prometheus"):
        prometheus.serve_prometheus(LiveRuns(tmp_path / "runs"), None)
