"""Batches follow from the seed and the step alone, and an epoch is each sample once."""

import itertools

import pytest
import torch

from bevatron.store.shards.manifest import load_manifest
from bevatron.training.data import DataModule
from bevatron.training.job import FitJob
from bevatron.training.step_chunks import StepChunk


@pytest.fixture
def module(curve, reading, tmp_path):
    opened = []

    def make(seed=0, **training):
        model = curve.study.models["net"].with_values({f"training.{k}": v for k, v in training.items()})
        job = FitJob(curve.study, model, curve.manifest, seed, tmp_path, reading)
        opened.append(DataModule(job, load_manifest(curve.manifest), torch.device("cpu")))
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


def test_validation_is_the_validation_split_in_order(module):
    batches = list(module().validation_batches())
    assert sum(len(batch["id"]) for batch in batches) == 200
    assert batches[0]["inputs"]["x"].shape == (200, 1)
