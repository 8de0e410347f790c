"""A flag is seen by other processes, and a search's SIGTERM comes twice: first a word, then the end."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from bevatron.compute.process.flag import Flag
from bevatron.compute.process.sigterm import StopRequested, flag_on_sigterm


def test_a_flag_set_elsewhere_is_seen_within_its_time(tmp_path):
    flag = Flag(tmp_path / "live" / "flag", every=0.2)
    assert not flag.is_set(), "nobody has made its file"
    flag.clear()
    program = (
        "import sys; from pathlib import Path; from bevatron.compute.process.flag import Flag\n"
        "Flag(Path(sys.argv[1])).set()"
    )
    subprocess.run([sys.executable, "-c", program, str(flag.path)], check=True)
    time.sleep(0.2)
    assert flag.is_set()


def test_the_first_sigterm_is_a_word_and_the_second_comes_after_the_patience(tmp_path):
    flag = Flag(tmp_path / "flag", every=0.0)
    flag.clear()
    flag.set()  # left by a session that was killed
    before = signal.getsignal(signal.SIGTERM)
    start = time.monotonic()

    def be_told():
        with flag_on_sigterm(flag, 0.5, lambda: True, ""):
            seen = Flag(tmp_path / "flag", every=0.0)
            assert not seen.is_set(), "lowered at the start"
            os.kill(os.getpid(), signal.SIGTERM)
            assert seen.is_set()
            threading.Event().wait(10)

    with pytest.raises(StopRequested) as told:
        be_told()
    assert 0.4 < time.monotonic() - start < 3
    assert told.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


def test_who_ends_in_time_is_not_told_twice(tmp_path):
    with flag_on_sigterm(Flag(tmp_path / "flag"), 0.2, lambda: True, ""):
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.4)  # SIGTERM would end this process now


STUCK = """
import ctypes, os, signal, sys
from pathlib import Path
from bevatron.compute.process.flag import Flag
from bevatron.compute.process.sigterm import flag_on_sigterm
with flag_on_sigterm(Flag(Path(sys.argv[1])), 1.0, lambda: True, "the search was asked to stop"):
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # as in a library that does not return on a signal
    ctypes.CDLL(None).sleep(1000)
"""


def test_a_process_stuck_in_a_library_ends_with_its_last_words(tmp_path):
    command = [sys.executable, "-c", STUCK, str(tmp_path / "flag")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == ["bevatron: the search was asked to stop"]


def test_sigterm_is_answered_in_the_log_at_once(tmp_path, told):
    """Before anything has ended: whoever cancels a job may read its log in the same second."""
    with flag_on_sigterm(Flag(tmp_path / "flag"), 60.0, lambda: True, ""):
        os.kill(os.getpid(), signal.SIGTERM)
        until = time.monotonic() + 2.0
        while not told and time.monotonic() < until:
            time.sleep(0.01)
        assert [record.message for record in told] == [
            "SIGTERM: the state is saved and the work ends; run the same command again to continue"
        ]
