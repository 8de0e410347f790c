"""A thread reads the batch of the next step: the same batches, errors where they belong, and no thread left behind."""

import gc
import threading
import time

import pytest
import torch
from interruption import weights

from bevatron.store.shards.manifest import load_manifest
from bevatron.training import data as training_data
from bevatron.training.data import DataModule
from bevatron.training.fit import fit
from bevatron.training.job import FitJob
from bevatron.training.read_ahead import ReadAhead


class Numbers:
    """A stream whose batch is the step's number."""

    def __init__(self, bad=None, seconds=0.0):
        self.bad, self.seconds, self.read_steps = bad, seconds, []

    def read(self, step):
        time.sleep(self.seconds)
        if step == self.bad:
            raise OSError("damaged")
        self.read_steps.append(step)
        return {"step": step}


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(folder, **training):
        values = {f"training.{name}": value for name, value in {"threads": 2, "epochs": 3, **training}.items()}
        model = curve.study.models["net"].with_values(values)
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / folder, reading, "cpu")

    return make


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "bevatron-read-ahead"]


def test_steps_in_any_order_get_their_batches():
    ahead = ReadAhead(Numbers())
    order = [(0, 1), (1, 2), (7, 8), (8, None), (3, 4), (4, 5)]
    assert [ahead.take(step, following)["step"] for step, following in order] == [0, 1, 7, 8, 3, 4]
    ahead.close()


def test_the_next_batch_is_read_before_it_is_asked_for():
    stream = Numbers()
    ahead = ReadAhead(stream)
    ahead.take(0, 1)
    deadline = time.monotonic() + 10
    while stream.read_steps != [0, 1] and time.monotonic() < deadline:
        time.sleep(0.001)
    assert stream.read_steps == [0, 1]
    ahead.close()


def test_what_reading_raises_is_raised_at_the_step_of_that_batch():
    ahead = ReadAhead(Numbers(bad=2))
    assert [ahead.take(step, step + 1)["step"] for step in (0, 1)] == [0, 1]
    with pytest.raises(OSError, match="damaged"):
        ahead.take(2, 3)
    ahead.close()


def test_the_thread_begins_with_the_first_batch_and_ends_with_the_stream():
    before = threads()
    ahead = ReadAhead(Numbers())
    assert threads() == before
    ahead.take(0, 1)
    assert len(threads()) == len(before) + 1
    ahead.close()
    assert threads() == before
    with pytest.raises(RuntimeError, match="closed"):
        ahead.take(1, None)


def test_the_thread_ends_with_an_object_that_nobody_closed():
    before = threads()
    ahead = ReadAhead(Numbers())
    ahead.take(0, 1)
    del ahead
    gc.collect()
    assert threads() == before


def test_a_fit_that_reads_ahead_has_the_same_weights(job, monkeypatch):
    plain, ahead = job("plain"), job("ahead")
    fit(plain)
    monkeypatch.setattr(training_data, "READ_AHEAD_BYTES", 0)
    used, take = [], ReadAhead.take
    monkeypatch.setattr(ReadAhead, "take", lambda self, *steps: used.append(steps) or take(self, *steps))
    fit(ahead)
    assert used[0] == (0, 1)
    assert used[-1] == (len(used) - 1, None)
    assert weights(ahead) == weights(plain)
    assert not threads()


def test_no_thread_is_left_by_a_fit_that_was_ended(job, monkeypatch):
    monkeypatch.setattr(training_data, "READ_AHEAD_BYTES", 0)

    def stop(row):
        assert threads()
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fit(job("ended"), stop)
    assert not threads()


def test_one_thread_small_batches_and_a_gpu_read_at_once(job, curve, monkeypatch):
    def reads_ahead(device="cpu", **training):
        data = DataModule(job("one", **training), load_manifest(curve.manifest), torch.device("cpu"))
        data.device = torch.device(device)
        try:
            return data._reads_ahead()
        finally:
            data.close()

    assert not reads_ahead()
    monkeypatch.setattr(training_data, "READ_AHEAD_BYTES", 100)
    assert reads_ahead()
    assert not reads_ahead(threads=1)
    assert not reads_ahead("cuda")


def test_waiting_for_a_slow_reader_counts_as_waiting(job, monkeypatch):
    monkeypatch.setattr(training_data, "READ_AHEAD_BYTES", 0)
    read = training_data.TrainingStream.read

    def slowly(self, step):
        time.sleep(0.02)
        return read(self, step)

    monkeypatch.setattr(training_data.TrainingStream, "read", slowly)
    assert fit(job("slow")).data_wait > 0.5
