"""Whoever is killed: nobody is left, nothing runs twice, and a command always ends."""

import os
import signal
import time

import psutil
import pytest

SLEEP = "import os, time; open('job', 'w').write(str(os.getpid())); time.sleep(60)"


@pytest.fixture
def job(workplace, wait_until):
    """A client and its job."""
    client = workplace.start(SLEEP)
    path = workplace.root / "job"
    assert wait_until(lambda: path.exists() and path.read_text())
    yield client, psutil.Process(int(path.read_text()))
    if client.poll() is None:
        client.kill()
    client.communicate()


def test_a_killed_client_is_a_killed_job(job, wait_until):
    client, process = job
    client.kill()
    assert wait_until(lambda: not process.is_running(), 2)


def test_a_killed_job_is_a_killed_client(job):
    client, process = job
    process.kill()
    assert client.wait(timeout=5) == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_reach_the_job(workplace, wait_until, number):
    code = (
        "import os, signal, sys, time\n"  # os.write: print would fail within the print that it interrupts
        f"signal.signal({int(number)}, lambda n, _: (os.write(1, b'got %d\\n' % n), sys.exit(5)))\n"
        "print('here', flush=True); time.sleep(60)"
    )
    client = workplace.start(code)
    assert client.stdout.readline() == "here\n"
    client.send_signal(number)
    assert client.communicate(timeout=5)[0] == f"got {int(number)}\n"
    assert client.returncode == 5


def test_a_signal_that_nobody_handles_ends_both(job, wait_until):
    client, process = job
    client.terminate()
    assert client.wait(timeout=5) == -signal.SIGTERM
    assert not process.is_running()


def test_a_signal_while_the_template_imports_ends_the_client_at_once(workplace, wait_until):
    preloaded = workplace.package / "fork_server/preloaded.py"
    preloaded.write_text(preloaded.read_text() + "import time; time.sleep(5)\n")
    client = workplace.start(SLEEP)
    assert wait_until(
        lambda: "socket" in str(psutil.Process(client.pid).net_connections("unix")) or workplace.templates()
    )
    time.sleep(0.5)
    client.terminate()
    assert client.wait(timeout=1) == -signal.SIGTERM
    client.communicate()
    time.sleep(6)
    assert not (workplace.root / "job").exists()


def test_stop_and_go_on(job, wait_until):
    client, process = job
    client.send_signal(signal.SIGTSTP)
    assert wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
    assert wait_until(lambda: psutil.Process(client.pid).status() == psutil.STATUS_STOPPED)
    client.send_signal(signal.SIGCONT)
    assert wait_until(lambda: process.status() == psutil.STATUS_SLEEPING)


def test_a_killed_template_makes_the_job_start_by_itself(workplace, job, wait_until):
    client, process = job
    (workplace.root / "job").unlink()
    workplace.templates()[0].kill()
    assert wait_until(lambda: not process.is_running(), 5)
    assert wait_until(lambda: (workplace.root / "job").exists())
    assert (workplace.root / "job").read_text() == str(client.pid)
    client.kill()
    assert client.communicate()[1] == "bevatron: the fork server has ended; this job starts by itself\n"
    assert workplace.run("print(1)") == (0, "1\n", "")  # from another template


def test_a_killed_server_leaves_its_jobs_alone_and_later_ones_to_themselves(workplace, wait_until):
    client = workplace.start("import time; print('here', flush=True); time.sleep(2); print('whole')")
    assert client.stdout.readline() == "here\n"
    server, templates = workplace.server(), workplace.templates()
    server.kill()
    code, output, errors = workplace.run("print(1)")
    assert (code, output) == (0, "1\n")
    assert errors.count("\n") == 1
    assert errors.endswith("this job starts by itself\n")
    assert client.communicate(timeout=20) == ("whole\n", "")
    assert client.returncode == 0
    assert wait_until(lambda: not any(process.is_running() for process in templates))


def test_a_killed_workflow_leaves_nothing(workplace, job, wait_until):
    client, _ = job
    workplace.workflow.kill()
    workplace.workflow.wait()
    assert client.wait(timeout=5) == -signal.SIGTERM  # the job may save its state
    assert wait_until(lambda: not workplace.left())
    assert not workplace.folder.exists()


def test_a_job_that_does_not_end_with_the_workflow_is_killed(workplace, wait_until, monkeypatch):
    template = workplace.package / "fork_server/template.py"
    template.write_text(template.read_text().replace("GRACE_SECONDS = 20.0", "GRACE_SECONDS = 1.0"))
    client = workplace.start(
        "import signal, time; signal.signal(15, signal.SIG_IGN); print('x', flush=True); time.sleep(60)"
    )
    assert client.stdout.readline() == "x\n"
    workplace.workflow.kill()
    assert client.wait(timeout=10) == -signal.SIGKILL
    client.communicate()


def test_a_server_whose_template_cannot_import_says_so_once(workplace):
    (workplace.package / "fork_server/preloaded.py").write_text("import nonsense\n")
    code, output, errors = workplace.run("print(1)")
    assert (code, output) == (0, "1\n")
    assert errors.count("\n") == 1
    assert errors.endswith("this job starts by itself\n")


def test_ctrl_c_reaches_client_and_job_once(workplace, wait_until):
    code = (
        "import signal, time\n"
        "n = []\nsignal.signal(2, lambda *_: n.append(1))\nprint('here', flush=True)\ntime.sleep(1)\nprint(len(n))"
    )
    client = workplace.start(code, start_new_session=True)
    assert client.stdout.readline() == "here\n"
    os.killpg(client.pid, signal.SIGINT)
    assert client.communicate(timeout=5)[0] == "1\n"


def test_many_at_once(workplace):
    clients = [workplace.start(f"import time; time.sleep(0.2); print({k}); raise SystemExit({k})") for k in range(40)]
    assert [client.communicate(timeout=60) for client in clients] == [(f"{k}\n", "") for k in range(40)]
    assert [client.returncode for client in clients] == list(range(40))
