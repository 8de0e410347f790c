"""One process at a time holds a lock; the others wait for it, quietly, and can be asked to stop."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bevatron.compute.process.lock import sole_owner, sole_owners
from bevatron.errors import UserError

HOLDER = """
import sys, time
from pathlib import Path
from bevatron.compute.process.lock import sole_owners
from bevatron.errors import UserError
from bevatron.logs import start_logging
start_logging()
try:
    with sole_owners([Path(folder) for folder in sys.argv[2:]], "run"):
        print("holds", flush=True)
        time.sleep(float(sys.argv[1]))
except UserError as error:
    print(f"bevatron: {error}", file=sys.stderr)
    sys.exit(2)
"""


@contextmanager
def process(seconds: float, *folders: Path):
    """A process that holds the folders' locks for so many seconds once it has them, and then ends."""
    command = [sys.executable, "-c", HOLDER, str(seconds), *map(str, folders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def wait_until_it_waits(waiter: subprocess.Popen) -> str:
    line = waiter.stderr.readline()
    assert "waits for process" in line, line
    return line


def test_another_process_waits_and_says_once_for_whom(tmp_path):
    with process(4, tmp_path / "a") as first:
        assert first.stdout.readline() == "holds\n"
        with process(0, tmp_path / "a") as second:
            line = wait_until_it_waits(second)
            assert f"waits for process {first.pid} on {os.uname().nodename}, which is working on this run" in line
            before = sum(psutil.Process(second.pid).cpu_times()[:2])
            time.sleep(2)
            assert sum(psutil.Process(second.pid).cpu_times()[:2]) - before < 0.3, "it waits busily"
            assert first.poll() is None
            out, said = second.communicate()
            assert first.poll() == 0, "the second had the lock while the first held it"
            assert (second.returncode, out) == (0, "holds\n")
            assert len(said.splitlines()) == 1, "goes on"


def test_a_killed_process_frees_the_lock(tmp_path):
    with process(600, tmp_path / "a") as first:
        first.stdout.readline()
        with process(0, tmp_path / "a") as second:
            wait_until_it_waits(second)
            first.send_signal(signal.SIGKILL)
            assert second.wait(30) == 0


def test_sigterm_ends_the_waiting_with_one_line(tmp_path):
    with sole_owner(tmp_path / "a", "run"), process(0, tmp_path / "a") as second:
        wait_until_it_waits(second)
        second.terminate()
        out, said = second.communicate(timeout=30)
        assert (second.returncode, out) == (2, "")
        assert said == (
            f"bevatron: {tmp_path / 'a'}: was asked to stop (SIGTERM) while it waited for process {os.getpid()} on "
            f"{os.uname().nodename}; run it again to go on\n"
        )


def test_processes_that_want_the_same_locks_in_other_orders_all_end(tmp_path):
    """Taken as named, the first would hold a and want b while the second holds b and wants a."""
    a, b, c = (tmp_path / name for name in "abc")
    commands = [(a, b, c), (c, b, a), (b, a), (c, a), (b, a, b)]
    started = [process(0.4, *folders) for folders in commands]
    running = [each.__enter__() for each in started]
    try:
        deadline = time.monotonic() + 90
        codes = [each.wait(max(0.1, deadline - time.monotonic())) for each in running]
    finally:
        for each in started:
            each.__exit__(None, None, None)
    assert codes == [0] * len(commands)


def test_a_lock_that_is_removed_while_somebody_waits_keeps_nobody_out(tmp_path):
    """The waiter does not take a file for the lock that nobody else can see."""
    with process(2, tmp_path / "a") as first:
        first.stdout.readline()
        with process(600, tmp_path / "a") as second:
            wait_until_it_waits(second)
            (tmp_path / "a" / "lock").unlink()
            assert second.stdout.readline() == "holds\n"
            with process(0, tmp_path / "a") as third:
                assert f"process {second.pid} on" in wait_until_it_waits(third)


def test_the_same_folder_named_twice_is_locked_once(tmp_path):
    with sole_owners([tmp_path / "a", tmp_path / "b", tmp_path / "a"], "run"):
        assert (tmp_path / "a" / "lock").read_text().startswith(f"{os.getpid()} on ")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, 524])
def test_a_file_system_without_locks_is_one_line(number, tmp_path, monkeypatch):
    def unsupported(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with (
        pytest.raises(UserError, match=r"a: its file system has no locks \(flock: .*\); mount it with flock.*`runs`"),
        sole_owner(tmp_path / "a", "run"),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_the_users_to_mend(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with (
        pytest.raises(UserError, match="a file stands where a folder is needed"),
        sole_owner(tmp_path / "runs/a", "run"),
    ):
        pass
