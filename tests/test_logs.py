"""What a search says goes to the terminal and to its log, whatever says it and however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

START = """
import logging, os, subprocess, sys, time
from pathlib import Path
from bevatron.logs import copy_output, start_logging
copy_output(Path(sys.argv[1]))
start_logging()
logging.getLogger("bevatron").info("a line of ours")
print("a printed line")
"""
ENDINGS = {
    "return": "",
    "traceback": "raise RuntimeError('an error')",
    "child": "subprocess.run(['sh', '-c', 'echo of a child; echo of its errors >&2'])",
    "abrupt": "sys.stdout.flush(); os._exit(3)",
}


def start(log: Path, code: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", START + code, str(log)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_terminal_and_log_hold_the_same(tmp_path, ending):
    log = tmp_path / "logs" / "search.log"
    process = start(log, ENDINGS[ending])
    said, _ = process.communicate(timeout=60)
    assert process.returncode == {"traceback": 1, "abrupt": 3}.get(ending, 0)
    assert log.read_text() == said
    expected = {"traceback": ["RuntimeError: an error"], "child": ["of a child", "of its errors"]}
    for words in ("a line of ours", "a printed line", *expected.get(ending, [])):
        assert words in said


@pytest.mark.parametrize("everybody", [False, True])
def test_the_last_words_after_a_signal_are_kept(tmp_path, everybody):
    """Slurm sends the signal to every process of a job, first to those that were started last."""
    log = tmp_path / "search.log"
    code = """
import signal
def end(*_):
    print("saved"); sys.exit(2)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
    process = start(log, code)
    while "ready" not in process.stdout.readline():
        pass
    for child in psutil.Process(process.pid).children() if everybody else []:
        child.terminate()
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "saved" in said
    assert "saved" in log.read_text()


def test_the_log_goes_on_when_nobody_reads_the_terminal_any_more(tmp_path):
    log = tmp_path / "search.log"
    read, write = os.pipe()
    code = "sys.stdout.flush(); time.sleep(1); print('much later'); sys.stdout.flush(); print('last')"
    with subprocess.Popen([sys.executable, "-c", START + code, str(log)], stdout=write, stderr=write) as process:
        os.close(write)
        assert os.read(read, 1)
        os.close(read)
        assert process.wait(timeout=60) == 0
    assert log.read_text().splitlines()[-2:] == ["much later", "last"]


def test_a_log_that_cannot_be_written_is_told_in_a_line(tmp_path):
    (tmp_path / "file").touch()
    arguments = ["search", "jets", "feedforward", "--manifest", "m", "--output", "o", "--log", f"{tmp_path}/file/x.log"]
    done = subprocess.run([sys.executable, "-m", "bevatron.cli", *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path / "file") in done.stderr
