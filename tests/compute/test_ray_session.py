"""Private Ray clusters: closed to others, apart from each other, and gone when their driver is."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from bevatron.compute.ray.ray_folder import SOCKET_PATH_LIMIT, base_folder, remove_stale
from bevatron.compute.ray.ray_session import ray_session
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Ray
from bevatron.errors import UserError

DRIVER = """
import json, sys, time
from pathlib import Path
import ray
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.compute.ray.ray_session import ray_session
from bevatron.config.sections.workflow import Ray
with ray_session(Ray(gpus=0), ResourceRequest(cpus=1), Path(sys.argv[1])) as session:
    @ray.remote
    class Busy:
        def work(self, seconds):
            time.sleep(seconds)
    busy = Busy.remote()
    ray.get(busy.work.remote(0))
    busy.work.remote(1000)
    print(json.dumps({"address": session.address, "url": session.dashboard_url, "token": str(session.token_path),
                      "nodes": len(ray.nodes()), "cpus": session.cpus}), flush=True)
    time.sleep(1000)
"""


@pytest.mark.slow
def test_two_clusters_on_one_machine_keep_apart_and_end_with_their_drivers(tmp_path):
    with contextlib.ExitStack() as stack:
        drivers = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        ]
        for driver in drivers:
            stack.callback(driver.kill)
        sessions = [facts_of(driver) for driver in drivers]
        for key in ("address", "url", "token"):
            assert sessions[0][key] != sessions[1][key]
        assert [(session["nodes"], session["cpus"]) for session in sessions] == [(1, 1.0)] * 2
        for session, other in (sessions, sessions[::-1]):
            check_closed_to_others(session, other)
        terminated, killed = drivers
        descendants = [psutil.Process(driver.pid).children(recursive=True) for driver in drivers]
        workers = [process.nice() for process in descendants[0] if "ray::Busy" in " ".join(process.cmdline())]
        assert workers == [psutil.Process().nice()], "beside others' processes, those that train get their share"

        terminated.send_signal(signal.SIGTERM)
        assert terminated.wait(20) == 128 + signal.SIGTERM
        assert not running(descendants[0]), "nothing is left once the driver has ended"
        assert not Path(sessions[0]["token"]).parent.exists()
        assert running(descendants[1]), "the other cluster goes on"
        metrics = [path.read_text() for path in (tmp_path / "ray" / "metrics").glob("*.prom")]
        assert len(metrics) == 1
        assert "ray_node_cpu_utilization" in metrics[0]
        assert not (tmp_path / "ray" / "logs").exists(), "an orderly end"

        killed.kill()
        killed.wait(20)
        deadline = time.monotonic() + 15
        while running(descendants[1]) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not running(descendants[1]), "a few seconds after the kill nothing is left"
        assert not Path(sessions[1]["token"]).parent.exists()


def facts_of(driver: subprocess.Popen) -> dict:
    for line in driver.stdout:
        if line.startswith("{"):
            return json.loads(line)
        assert line.startswith("Ray dashboard: http://127.0.0.1:"), line
    raise AssertionError("the driver ended")


def check_closed_to_others(session: dict, other: dict) -> None:
    token = Path(session["token"])
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
    answers = [status(session["url"], words) for words in ("", Path(other["token"]).read_text(), token.read_text())]
    assert answers[0] == 401
    assert answers[1] in (401, 403)
    assert answers[2] == 200
    address = socket.gethostbyname(socket.gethostname())
    if not address.startswith("127."):
        with pytest.raises(OSError, match="refused"), socket.create_connection((address, port_of(session)), timeout=5):
            pass


def port_of(session: dict) -> int:
    return int(session["url"].rpartition(":")[2])


def status(url: str, token: str) -> int:
    request = urllib.request.Request(
        f"{url}/api/version", headers={"Authorization": f"Bearer {token}"} if token else {}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.mark.slow
def test_workers_are_forks_of_one_process_that_has_imported_the_work(tmp_path):
    with ray_session(Ray(gpus=0), ResourceRequest(cpus=1), tmp_path, ("colorsys",)):
        import ray

        @ray.remote
        def look():
            return "colorsys" in sys.modules, os.getppid(), os.environ.get("MARK")

        plain = ray.get(look.remote())
        marked = ray.get(look.options(runtime_env={"env_vars": {"MARK": "x"}}).remote())
        assert plain == (True, plain[1], None)
        assert marked == (True, plain[1], "x")
        family = psutil.Process().children(recursive=True)
        forks = psutil.Process(plain[1]).children()
        assert sum("ray::" in " ".join(process.cmdline()) for process in forks) >= 3, "agents, too"
    assert not running(family)


@pytest.mark.slow
def test_without_forks_rays_processes_start_by_themselves(tmp_path):
    with ray_session(Ray(gpus=0), ResourceRequest(cpus=1), tmp_path, None) as session:
        import ray

        @ray.remote
        def parent():
            return os.getppid()

        assert psutil.Process(ray.get(parent.remote())).name() == "raylet"
        family = psutil.Process().children(recursive=True)
        assert not any("ray_python" in " ".join(process.cmdline()) for process in running(family))
        record = tmp_path / "ray" / "session.json"
        check_record(record, session)
    assert not record.exists()
    assert not running(family)


def check_record(path: Path, session) -> None:
    """The file for those who watch names the dashboard and metrics that answer, and does not hold the token."""
    text = path.read_text()
    found = json.loads(text)
    assert (found["dashboard_url"], found["pid"]) == (session.dashboard_url, os.getpid())
    assert session.token_path.read_text().strip() not in text
    assert Path(found["token_file"]) == session.token_path
    (address,) = found["metrics"]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(60):  # the first numbers come some seconds after the start
        with opener.open(f"http://{address}/metrics", timeout=10) as answer:
            if b"ray_node_cpu_utilization" in answer.read():
                return
        time.sleep(0.5)
    pytest.fail("no metrics for Prometheus")


@pytest.mark.slow
def test_rays_own_logs_are_kept_when_the_work_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), ray_session(Ray(cpus=1, gpus=0), ResourceRequest(), tmp_path):
        raise ZeroDivisionError
    assert list((tmp_path / "ray" / "logs").glob("raylet*"))


def test_the_temporary_folder_leaves_room_for_unix_sockets(monkeypatch, tmp_path):
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(long))
    assert str(base_folder()) == "/tmp"
    session = "session_2026-01-01_00-00-00_000000_4194304"
    assert len(f"/tmp/bv-12345678/r/{session}/sockets/plasma_store") <= SOCKET_PATH_LIMIT


def test_folders_of_dead_sessions_are_removed_and_those_in_use_stay(tmp_path):
    import fcntl

    dead, used, fresh, foreign = (
        tmp_path / name for name in ("bv-deaddead", "bv-usedused", "bv-freshfre", "bv-notours1")
    )
    for folder in (dead, used, fresh, foreign):
        folder.mkdir()
        if folder != foreign:
            (folder / "lock").touch()
    for folder in (dead, used):
        os.utime(folder / "lock", (0, 0))
    with open(used / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_stale(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([used, fresh, foreign])


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nowhere.invalid:6379", "127.0.0.1"])
def test_a_cluster_that_cannot_be_reached_is_named(address, tmp_path):
    session = ray_session(Ray(address=address), ResourceRequest(), tmp_path)
    with pytest.raises(UserError, match=f"ray.address: no Ray cluster can be reached at {address}"), session:
        pass


DRIVER_WITHOUT_DASHBOARD = """
import logging, sys
from pathlib import Path
import ray
from bevatron.compute.ray import local_ray
from bevatron.compute.ray.ray_session import ray_session
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Ray
from bevatron.logs import start_logging
start_logging()
local_ray.free_port = lambda: int(sys.argv[2])
with ray_session(Ray(gpus=0), ResourceRequest(cpus=1), Path(sys.argv[1])) as session:
    assert session.dashboard_url is None
    print(ray.get(ray.remote(lambda: "worked").remote()), flush=True)
"""


@pytest.mark.slow
def test_where_the_dashboard_cannot_start_the_work_goes_on_and_its_logs_are_kept(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-c", DRIVER_WITHOUT_DASHBOARD, str(tmp_path), str(taken.getsockname()[1])]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout) == (0, "worked\n"), result.stderr
    assert "the Ray dashboard could not be started; the work goes on without it" in result.stderr
    assert f"Ray's own logs are kept in {tmp_path / 'ray' / 'logs'}" in result.stderr
    assert list((tmp_path / "ray" / "logs").iterdir())
