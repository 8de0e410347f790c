"""Batches follow from the seed and the step alone, and an epoch is each sample once."""

import itertools

import pytest
import torch

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.data import DataModule
from bevatron.training.job import FitJob
from bevatron.training.step_chunks import StepChunk


@pytest.fixture
def module(curve, reading, tmp_path):
    opened = []

    def make(seed=0, worker=0, workers=1, data_loading=reading, **training):
        model = curve.study.models["net"].with_values({f"training.{k}": v for k, v in training.items()})
        job = FitJob(curve.study, model, curve.manifest, seed, tmp_path, data_loading)
        context = DistributedContext(worker, workers)
        opened.append(DataModule(job, load_manifest(curve.manifest), torch.device("cpu"), context))
        return opened[-1]

    yield make
    for data in opened:
        data.close()


def ids(data, first, last):
    return [batch["id"].tolist() for batch in data.training_batches(StepChunk(0, first, last, False))]


def test_an_epoch_is_each_sample_once_and_epochs_differ(module):
    data = module()
    first, second = ids(data, 0, 7), ids(data, 7, 14)
    assert [len(batch) for batch in first] == [100] * 7
    everything = sorted(itertools.chain(*first))
    assert len(set(everything)) == 700
    assert sorted(itertools.chain(*second)) == everything
    assert first != second


def test_a_step_takes_the_same_samples_whenever_it_is_asked_for(module):
    straight = ids(module(), 0, 21)
    for start in (1, 5, 7, 10, 20):
        assert ids(module(), start, 21) == straight[start:]
    assert ids(module(seed=1), 0, 7) != straight[:7]


def test_the_last_batch_is_short_when_the_split_does_not_divide(module):
    sizes = [len(batch) for batch in ids(module(batch_size=300), 0, 6)]
    assert sizes == [300, 300, 100, 300, 300, 100]


def test_a_full_batch_is_the_split(module):
    data = module(batch_size="full")
    assert data.schedule.steps_per_epoch == 1
    assert [len(batch) for batch in ids(data, 0, 3)] == [700] * 3


def test_validation_is_the_validation_split(module):
    batches = list(module().validation_batches())
    assert len({number for batch in batches for number in batch["id"].tolist()}) == 200
    assert batches[0]["inputs"]["x"].shape == (200, 1)


@pytest.mark.parametrize("streamed", [False, True])
def test_steps_of_any_number_of_workers_take_the_same_samples(module, streamed, monkeypatch):
    """Also when the number changes between two steps; each worker knows how many rows the whole batch has."""
    monkeypatch.setattr("bevatron.store.readers.partitions.MIN_ROWS", 10)  # so that 700 samples have 64 partitions
    loading = DataLoading(**({"memory_budget_gb": 1e-5, "block_rows": 32, "buffer_blocks": 8} if streamed else {}))
    chunk = StepChunk(0, 0, 16, False)
    one = module(batch_size=90, data_loading=loading)
    assert one.order.startswith("streamed" if streamed else "shuffled")
    assert "from 64 partitions" in one.order
    steps = [sorted(batch["id"].tolist()) for batch in one.training_batches(chunk)]
    checked = sorted(i for batch in one.validation_batches() for i in batch["id"].tolist())
    for workers, first in ((2, 0), (4, 0), (3, 0), (8, 5), (4, 11)):
        found, validated = [[] for _ in steps], []
        for worker in range(workers):
            data = module(worker=worker, workers=workers, batch_size=90, data_loading=loading)
            assert data.order == one.order
            for step, batch in enumerate(data.training_batches(StepChunk(0, first, 16, False)), first):
                found[step] += batch["id"].tolist()
                assert batch["rows"] == len(steps[step])
                assert abs(len(batch["id"]) - len(steps[step]) / workers) < 1
            validated += [i for batch in data.validation_batches() for i in batch["id"].tolist()]
        assert [sorted(ids) for ids in found[first:]] == steps[first:]
        assert sorted(validated) == checked


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"samples": 100},
        {"batch_size": "full"},
        {"batch_size": "full", "samples": 100},
    ],
    ids=str,
)
def test_a_choice_of_samples_is_shared_out_too(module, training):
    """A sampling that is made over the whole split is read by each worker, which delivers its part of the batches."""
    one = module(**training)
    assert bool(one.sampling.words) == ("samples" in training)
    expected = [sorted(step) for step in ids(one, 0, 4)]
    shared = [ids(module(worker=worker, workers=3, **training), 0, 4) for worker in range(3)]
    assert [sorted(itertools.chain(*parts)) for parts in zip(*shared, strict=True)] == expected
