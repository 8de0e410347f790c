"""Ray over the nodes of a batch job: exact, closed to others, and gone when its driver is.

Slurm's commands are pretended and every node is this host, but Ray is real.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from clusters import (
    at_work_in,
    driver,
    facts_of,
    folders_of,
    listeners,
    running,
    status,
    wait_until,
    words_of,
)

from bevatron.compute.ray.ports import PortBlock, claim
from bevatron.compute.ray.ray_session import ray_session
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Ray
from bevatron.errors import UserError

pytestmark = pytest.mark.slow

CLIENT = """
import sys
from pathlib import Path
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.compute.ray.ray_session import ray_session
from bevatron.config.sections.workflow import Ray
with ray_session(Ray(address=sys.argv[1], token=sys.argv[2]), ResourceRequest(), Path(sys.argv[3])) as session:
    print("cpus", session.cpus)
"""


def test_two_users_clusters_on_one_host_do_not_meet_and_end_with_their_drivers(fake_slurm, tmp_path):
    drivers = []
    try:
        for name in ("a", "b"):  # the same job id, so that both want the same ports
            (tmp_path / name).mkdir()
            job = fake_slurm.job(4711, "node1,node2", SLURM_SUBMIT_HOST="login1")
            drivers.append(driver(tmp_path / name, "stay", {**os.environ, **job}))
        sessions = [facts_of(process) for process in drivers]
        trees = [psutil.Process(process.pid).children(recursive=True) for process in drivers]
        check_apart(sessions)
        for session, other, tree in zip(sessions, sessions[::-1], trees, strict=True):
            check_closed_to_others(session, other, tree)
        check_clients(sessions, tmp_path)
        folders = [folders_of(tree) for tree in trees]
        assert [len(of) for of in folders] == [2, 2], "a folder for each node"
        assert not folders[0] & folders[1]

        terminated, killed = drivers
        terminated.send_signal(signal.SIGTERM)
        assert terminated.wait(40) == 128 + signal.SIGTERM
        assert not running(trees[0])
        check_nothing_left(folders[0], sessions[0])
        assert not (tmp_path / "a" / "ray" / "logs").exists(), "an orderly end"
        raylets = [process.name() for process in running(trees[1])].count("raylet")
        assert raylets == 2, "the other cluster goes on"
        assert status(sessions[1]["url"], Path(sessions[1]["token"]).read_text()) == 200

        killed.kill()
        assert wait_until(lambda: not running(trees[1]), 40), running(trees[1])
        check_nothing_left(folders[1], sessions[1])
        for node in ("node1", "node2"):
            assert list((tmp_path / "b" / "ray" / "logs" / node).glob("raylet*")), "Ray's logs are kept"
    finally:
        for process in drivers:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()


def check_apart(sessions: list[dict]) -> None:
    for session in sessions:
        assert session["nodes"] == session["worked_on"] == ["node1", "node2"]
        assert (session["cpus"], session["gpus"]) == (4.0, 2.0)
    for key in ("address", "url", "token"):
        assert sessions[0][key] != sessions[1][key]
    assert Path(sessions[0]["token"]).read_text() != Path(sessions[1]["token"]).read_text()


def check_closed_to_others(session: dict, other: dict, tree: list[psutil.Process]) -> None:
    token = Path(session["token"])
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert status(session["url"], "") == 401
    assert status(session["url"], Path(other["token"]).read_text()) in (401, 403)
    assert status(session["url"], token.read_text()) == 200
    port = int(session["url"].rpartition(":")[2])
    assert f"ssh -J login1 -L {port}:127.0.0.1:{port} {socket.gethostname()}" in session["line"]
    assert str(token) in session["line"]
    assert token.read_text() not in session["line"]

    ports = listeners(tree)
    assert ports[port] == {"127.0.0.1"}, "the dashboard listens on the loopback alone"
    head = int(session["address"].rpartition(":")[2])
    first = head - 1
    assert not {first, first + 8} & set(ports), "the guard does not listen, and Ray's client server is closed"
    blocks = {port // 128 for port in (port - 32 for port in ports)}
    assert len(blocks) == 2, f"all ports lie in one block for each node: {sorted(ports)}"
    assert not [p for p in tree if token.read_text() in words_of(p)], "no command line shows the token"


def check_clients(sessions: list[dict], folder: Path) -> None:
    """A client with the cluster's token gets in, with the other's it does not."""
    address = sessions[0]["address"]
    answers = [
        subprocess.run(
            [sys.executable, "-c", CLIENT, address, session["token"], str(folder)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        for session in sessions
    ]
    assert "cpus 4.0" in answers[0].stdout, answers[0].stderr
    assert answers[1].returncode != 0
    assert f"no Ray cluster can be reached at {address}" in answers[1].stderr


def check_nothing_left(folders: set[str], session: dict) -> None:
    assert wait_until(lambda: not at_work_in(folders), 5), at_work_in(folders)
    assert not [folder for folder in folders if Path(folder).exists()]
    assert not Path(session["token"]).exists()


def test_metrics_are_archived_and_logs_are_kept_after_a_failure_only(fake_slurm, tmp_path):
    block = claim("12", 0, 2)
    block.release()
    with socket.create_server(("127.0.0.1", block.first + 5)):  # somebody has one of the ports that job 12 would take
        for ending in ("leave", "fail"):
            folder = tmp_path / ending
            folder.mkdir()
            environment = {**os.environ, **fake_slurm.job(12, "node1,node2")}
            with driver(folder, ending, environment) as process:
                facts = facts_of(process)
                assert int(facts["address"].rpartition(":")[2]) not in range(block.first, block.end)
                folders = folders_of(psutil.Process(process.pid).children(recursive=True))
                _, words = process.communicate(timeout=60)
            assert ("ZeroDivisionError" in words) == (ending == "fail")
            check_nothing_left(folders, facts)
            for node in ("node1", "node2"):
                assert "ray_node_cpu_utilization" in (folder / "ray" / "metrics" / f"{node}.prom").read_text()
            assert "node2" in (folder / "ray" / "metrics" / "nodes.json").read_text()
            assert (folder / "ray" / "metrics" / "jobs.json").read_text().startswith("[")
            logs = sorted(path.name for path in (folder / "ray").glob("logs/*"))
            assert logs == (["node1", "node2"] if ending == "fail" else [])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("FAKE_SLOW", "it did not come in time; ray.start_seconds says how long to wait; see .*node2.log"),
        ("FAKE_BROKEN", r"Ray does not run there \(srun: error: Task launch failed: .*\); see .*node2.log"),
    ],
)
def test_a_node_that_does_not_come_is_named_in_time(in_job, tmp_path, fault, words):
    in_job("node1,node2", number=13, **{fault: "node2"})
    start = time.monotonic()
    session = ray_session(Ray(start_seconds=30), ResourceRequest(nodes=2, cpus=1, gpus=0), tmp_path)
    with pytest.raises(UserError, match=f"Ray on node node2: {words}"), session:
        pass
    assert time.monotonic() - start < 30 + 15
    left = [p for p in psutil.Process().children(recursive=True) if "ray_node" in words_of(p)]
    assert not running(left)
    assert not (tmp_path / "ray" / "token").exists()


def test_a_node_whose_keeper_is_killed_leaves_no_process(in_job, tmp_path):
    in_job("node1,node2", number=14)
    with ray_session(Ray(), ResourceRequest(nodes=2, cpus=1, gpus=0), tmp_path):
        (watchdog,) = [
            process
            for process in psutil.Process().children(recursive=True)
            if "bevatron.compute.ray.ray_node --name node2" in words_of(process)
        ]
        below = watchdog.children(recursive=True)
        folders = folders_of(below)
        assert len(folders) == 1
        watchdog.kill()
        assert wait_until(lambda: not running(below), 20), running(below)
    for folder in folders:
        shutil.rmtree(folder)  # as the next session's start would after a minute


def test_a_worker_that_ray_starts_in_its_last_moment_ends_too_and_no_folder_comes_back(fake_slurm, tmp_path):
    """SIGTERM from the batch system ends Ray's workers, and Ray starts others before it ends itself."""
    environment = {**os.environ, **fake_slurm.job(16, "node1,node2")}
    with driver(tmp_path, "stay", environment) as process:
        try:
            facts_of(process)
            node, raylet, worker = at_work(process.pid)
            folders = folders_of([raylet])
            assert len(folders) == 1
            node.suspend()  # as on a busy machine: it sees nothing of what happens now
            before = raylet.children()
            worker.terminate()  # its task is tried again, by a new worker
            assert wait_until(lambda: set(raylet.children()) - set(before), 20)
            orphans = list(set(raylet.children()) - set(before))
            raylet.kill()
            assert wait_until(lambda: not running([raylet]), 5)
            node.resume()
            assert wait_until(lambda: not running([node]), 15)
            assert not running(orphans)
            assert not at_work_in(folders)
            assert not [folder for folder in folders if Path(folder).exists()]
        finally:
            tree = psutil.Process(process.pid).children(recursive=True)
            process.kill()
    assert wait_until(lambda: not running(tree), 40), running(tree)


def at_work(driver: int) -> tuple[psutil.Process, psutil.Process, psutil.Process]:
    """The node's process, the raylet and the worker where the driver's task is."""

    def workers() -> list[psutil.Process]:
        return [p for p in psutil.Process(driver).children(recursive=True) if words_of(p).startswith("ray::place")]

    assert wait_until(workers, 20)
    (worker,) = workers()
    raylet = worker.parent()
    node = next(process for process in raylet.parents() if "bevatron.compute.ray.ray_node" in words_of(process))
    return node, raylet, worker


def test_a_block_that_another_session_holds_is_not_free():
    block = claim("15", 0, 2)
    with pytest.raises(OSError, match="in use"):
        PortBlock(block.first, units=1)
    block.release()
