"""SIGTERM before the batch job's end, so that a fit saves its state in time."""

import signal
import threading
import time

import pytest

from bevatron.compute.slurm.deadline import parse_time, seconds_left, sigterm_before_the_end


@pytest.fixture
def told():
    """When SIGTERM came."""
    times = []
    before = signal.signal(signal.SIGTERM, lambda *_: times.append(time.monotonic()))
    yield times
    signal.signal(signal.SIGTERM, before)


def wait(seconds: float) -> None:
    """As time.sleep, which a signal's handler does not cut short."""
    threading.Event().wait(seconds)


def test_sigterm_comes_that_long_before_the_end(in_job, told):
    in_job("node1", FAKE_TIME_LEFT="0:04")
    start = time.monotonic()
    with sigterm_before_the_end(1.0):
        wait(4.0)
    assert len(told) == 1
    assert 2.7 <= told[0] - start <= 3.7


def test_a_short_job_keeps_three_quarters_of_its_time(in_job, told):
    in_job("node1", FAKE_TIME_LEFT="0:02")
    start = time.monotonic()
    with sigterm_before_the_end(60.0):
        wait(2.0)
    assert 1.4 <= told[0] - start <= 1.9


def test_no_sigterm_after_the_block_nor_without_a_limit(in_job, told):
    in_job("node1", FAKE_TIME_LEFT="0:02")
    with sigterm_before_the_end(1.0):
        pass
    in_job("node1", FAKE_TIME_LEFT="UNLIMITED")
    with sigterm_before_the_end(1.0):
        wait(1.5)
    assert told == []


def test_outside_a_job_nothing_is_asked(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("PATH", "")
    assert seconds_left() is None


def test_slurm_without_an_answer_is_a_warning_and_no_failure(in_job, monkeypatch, caplog):
    in_job("node1")
    monkeypatch.setenv("PATH", "")
    with sigterm_before_the_end(1.0):
        pass
    assert "time limit is unknown (squeue: there is no such command here" in caplog.text


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("0:05", 5), ("12:30", 750), ("1:00:00", 3600), ("2-03:04:05", 183845), ("UNLIMITED", None), ("NOT_SET", None),
        ("INVALID", None), ("", None), ("0:00\n", 0),
    ],
)  # fmt: skip
def test_times_as_slurm_writes_them(words, seconds):
    assert parse_time(words) == seconds
