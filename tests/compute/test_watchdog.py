"""The process that ends what a session leaves outlives what ends the session."""

import re
import signal
import subprocess
import sys
from pathlib import Path

from clusters import wait_until


def test_sigterm_from_the_batch_system_does_not_keep_it_from_its_work(tmp_path):
    folder = tmp_path / "bv-abcdefgh"
    (folder / "r").mkdir(parents=True)
    (folder / "lock").touch()
    left = subprocess.Popen(["sleep", "1000"])
    command = [sys.executable, "-m", "bevatron.compute.ray.watchdog", str(folder), str(left.pid)]
    with left, subprocess.Popen(command, stdin=subprocess.PIPE) as watchdog:
        assert wait_until(lambda: ignores(watchdog.pid, signal.SIGTERM), 20)
        watchdog.terminate()
        watchdog.stdin.close()  # the driver has ended
        assert watchdog.wait(20) == 0
        assert left.wait(1) == -signal.SIGKILL
    assert not folder.exists()


def ignores(pid: int, number: signal.Signals) -> bool:
    mask = re.search(r"^SigIgn:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(mask[1], 16) >> (number - 1) & 1)
