"""What Ray takes for `python`: forks that are as a python of their own, and end with whoever started them."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from clusters import wait_until

from bevatron.compute.ray.ray_python import LOG_NAME, can_have_launcher, forked_python

FORKED = 'import sys; print("colorsys" in sys.modules)'


@pytest.fixture
def python(tmp_path):
    (tmp_path / "f").mkdir()
    with forked_python(tmp_path / "f", ("wave",), of_all=("colorsys",)) as python:
        yield python
    assert not psutil.pid_exists(python.pid)
    assert (tmp_path / "f" / LOG_NAME).read_text() == ""


def run(python, *arguments: str, **how) -> subprocess.CompletedProcess:
    return subprocess.run([python.launcher, *arguments], capture_output=True, text=True, timeout=60, **how)


def test_code_and_scripts_run_in_forks_as_in_a_python_of_their_own(python, tmp_path):
    assert run(python, "-c", FORKED).stdout == "True\n"
    script = tmp_path / "scripts/script.py"
    script.parent.mkdir()
    (script.parent / "beside.py").write_text("VALUE = 7\n")
    script.write_text(
        textwrap.dedent("""
        import os, sys, beside
        class Local: pass
        import __main__
        print(beside.VALUE, sys.argv, __name__, __file__, Local.__module__, __main__.Local is Local, os.getcwd())
        print(sys.path[0], sorted(sys.path[1:]), os.environ["MARK"], sys.stdin.read(), sys.flags.safe_path)
        print("gone", file=sys.stderr)
        raise SystemExit(3)
        """)
    )
    how = {"env": {**os.environ, "MARK": "a"}, "cwd": tmp_path, "input": "words"}
    forked = run(python, "-u", str(script), "x", "y z", **how)
    alone = subprocess.run([sys.executable, str(script), "x", "y z"], capture_output=True, text=True, **how)
    assert forked.stdout == alone.stdout
    assert (forked.returncode, forked.stderr) == (alone.returncode, alone.stderr) == (3, "gone\n")


def test_what_no_fork_can_do_is_done_by_python_itself(python, tmp_path):
    assert run(python, "-X", "dev", "-c", "import sys; print(sys.flags.dev_mode)").stdout == "True\n"
    python.launcher.with_name("python.socket").unlink()
    assert run(python, "-c", FORKED).stdout == "False\n"


def test_where_no_launcher_can_be_there_is_none(tmp_path):
    assert can_have_launcher(tmp_path)
    spaced = tmp_path / "my files"
    spaced.mkdir()
    assert not can_have_launcher(spaced)


def test_where_nothing_may_be_executed_there_is_none(tmp_path):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "none", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount")
    try:
        assert not can_have_launcher(tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_open_files_keep_their_numbers(python):
    reader, writer = os.pipe()
    for number in (writer, 9):  # the second is a number that the template itself may use
        os.dup2(writer, number)
        subprocess.run(
            [python.launcher, "-c", f"import os; os.write({number}, b'{number}')"], pass_fds=(number,), check=True
        )
        assert os.read(reader, 100) == str(number).encode()


def test_a_fork_has_the_limits_and_the_mask_of_its_launcher(python):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (97, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])

    code = "import resource, signal; print(resource.getrlimit(7)[0], *signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
    assert run(python, "-c", code, preexec_fn=limit).stdout.split() == ["97", str(int(signal.SIGINT))]


def test_a_fork_and_its_launcher_end_as_one(python):
    ending = [python.launcher, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
    for end, code in ((signal.SIGKILL, -9), (signal.SIGTERM, -15)):
        with subprocess.Popen(ending, stdout=subprocess.PIPE, text=True) as launcher:
            fork = int(launcher.stdout.readline())
            assert fork != launcher.pid
            launcher.send_signal(end)
            assert launcher.wait(10) == code
            assert wait_until(lambda fork=fork: not psutil.pid_exists(fork), 10)
    with subprocess.Popen(ending, stdout=subprocess.PIPE, text=True) as launcher:
        os.kill(int(launcher.stdout.readline()), signal.SIGKILL)
        assert launcher.wait(10) == -9


def test_a_launcher_whose_template_is_killed_becomes_python(python):
    code = "import sys, time; there = 'colorsys' in sys.modules; print(there, flush=True); time.sleep(60 * there)"
    with subprocess.Popen([python.launcher, "-c", code], stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout.readline() == "True\n"
        os.kill(python.pid, signal.SIGKILL)
        assert launcher.stdout.readline() == "False\n"
        assert launcher.wait(10) == 0


def test_forks_end_with_the_process_for_which_they_work(tmp_path):
    (tmp_path / "f").mkdir()
    code = f"""
    import os, subprocess, sys
    from pathlib import Path
    from bevatron.compute.ray.ray_python import forked_python
    with forked_python(Path({str(tmp_path / "f")!r}), (), of_all=()) as python:
        print(python.pid, flush=True)
        with python.as_executable():
            subprocess.run([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"])
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as driver:
        processes = [int(driver.stdout.readline()) for _ in range(2)]
        driver.kill()
    assert wait_until(lambda: not any(map(psutil.pid_exists, processes)), 10)


def test_a_fork_of_a_process_that_logs_leaves_its_log_alone(tmp_path):
    (tmp_path / "f").mkdir()
    code = f"""
    import logging, subprocess, sys
    from pathlib import Path
    import bevatron.compute.ray.ray_python_template
    from bevatron.compute.ray import ray_python
    from bevatron.compute.ray.ray_python import forked_python
    from bevatron.logs import copy_output, log_to
    copy_output(Path({str(tmp_path / "output.log")!r}))
    log_to(Path({str(tmp_path / "lines.log")!r}))
    ray_python._imported.add("ray")
    with forked_python(Path({str(tmp_path / "f")!r}), ("json",), of_all=()) as python:
        logging.getLogger("bevatron").info("mine")
        code = "import logging, os; logging.getLogger('bevatron').warning('theirs'); print(os.getppid())"
        parent = subprocess.run([python.launcher, "-c", code], capture_output=True, text=True).stdout.strip()
        assert int(parent) == python.pid, (parent, python.pid)
        command = Path(f"/proc/{{parent}}/cmdline").read_bytes()
        assert command == Path("/proc/self/cmdline").read_bytes(), command  # it is a fork of this process
    """
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - start < 20
    assert Path(tmp_path / "output.log").read_text() == ""
    assert "theirs" not in (tmp_path / "lines.log").read_text()
    assert "mine" in (tmp_path / "lines.log").read_text()
