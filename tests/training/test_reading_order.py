"""The order of reading that identifies a run is the one in which its fit reads."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bevatron.config.loading.identity import run_digest, search_digest
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.readers.split import describe
from bevatron.store.shards.dataset import load_dataset
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.data import DataModule, make_sampling
from bevatron.training.fit import fit
from bevatron.training.reading_order import FILE_ORDER, requested_partitions, training_order

SMALL = DataLoading(memory_budget_gb=1e-6, block_rows=64, buffer_blocks=2)


def order_of(job):
    return training_order(job.study, job.model, load_dataset(job.manifest_path), job.data_loading)


def digest_of(job):
    return run_digest(job.study, job.model, load_manifest(job.manifest_path).sha256, job.seed, order_of(job))


@pytest.mark.parametrize("model", ["net", "lstm", "beauty_or_charm", "charm_or_light"])
def test_the_fit_reads_in_the_order_that_was_told(flavours, tmp_path, model):
    """With as much memory as the model's own inputs need, and with a byte less."""
    job = flavours.job(tmp_path, model)
    size = describe(job.manifest_path, "train", job.model.inputs, [job.target]).bytes
    told = []
    for budget in (size, size - 1, size / 7):
        read = replace(job, data_loading=DataLoading(memory_budget_gb=budget / 1e9, block_rows=100, buffer_blocks=3))
        data = DataModule(read, load_manifest(job.manifest_path), torch.device("cpu"))
        assert data.order.startswith(f"{order_of(read)}, batches of ")
        data.close()
        told.append(order_of(read).split()[0])
    assert told == ["shuffled", "streamed", "streamed"]


def test_settings_that_change_no_order_leave_the_run_as_it_is(flavours, tmp_path):
    job = flavours.job(tmp_path, "net")
    base = digest_of(job)
    for same in ({"memory_budget_gb": 8.0}, {"block_rows": 5}, {"buffer_blocks": 3}, {"gpu_budget_gb": 0.1}):
        assert digest_of(replace(job, data_loading=DataLoading(**same))) == base
    streamed = replace(job, data_loading=SMALL)
    assert digest_of(streamed) != base
    assert digest_of(replace(streamed, data_loading=SMALL.model_copy(update={"buffer_blocks": 3}))) != digest_of(
        streamed
    )


@pytest.mark.parametrize(
    "values",
    [
        {"training__balance": "weights"},
        {"training__balance": "batches"},
        {"training__sample_order": "sorted"},
        {"training__samples": 50},
        {"training__class_ratio": {"light": 2, "beauty": 1}},
    ],
    ids=str,
)
def test_samples_come_from_one_partition_where_a_sampling_chooses_or_arranges_them(flavours, tmp_path, values):
    job = flavours.job(tmp_path, "net", **values)
    sampled = bool(make_sampling(job).words)
    assert requested_partitions(job.model, job.data_loading) == (1 if sampled else 64)


def test_other_partitions_are_another_run(flavours, tmp_path):
    job = flavours.job(tmp_path, "net")
    assert digest_of(replace(job, data_loading=DataLoading(partitions=1))) != digest_of(job)


def test_a_search_over_samples_in_another_order_is_another_search(flavours, tmp_path):
    one, other = flavours.job(tmp_path, "net"), replace(flavours.job(tmp_path, "net"), data_loading=SMALL)
    digests = {search_digest(job.study, job.model, "m", order_of(job)) for job in (one, other)}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("model", "values"), [("trees", {}), ("fisher", {}), ("net", {"training__batch_size": "full"})]
)
def test_what_sees_all_samples_at_once_is_the_same_run_however_it_reads(flavours, tmp_path, model, values):
    """And ends with the same bits, where it can be streamed at all."""
    jobs = [
        replace(flavours.job(tmp_path / str(k), model, **values), data_loading=r)
        for k, r in enumerate((DataLoading(), SMALL))
    ]
    assert {order_of(job) for job in jobs} == {FILE_ORDER}
    if values:
        return
    weights = []
    for job in jobs:
        fit(job)
        weights.append((Path(job.folder) / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]
