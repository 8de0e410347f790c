"""What workers and steps of a fit draw: numbers of their own."""

from itertools import pairwise

import pytest
import torch
from digit_jobs import job_of

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.config.loading.digest import seed_of
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.fit import initial_network
from bevatron.training.step_chunks import Schedule
from bevatron.training.tasks.classification import ClassificationLearner
from bevatron.training.tasks.generation import GenerationLearner

RANKS, STEPS = 512, 10**6


def learner_of(job, kind, rank):
    return kind(
        job,
        initial_network(job, load_manifest(job.manifest_path)),
        Schedule(1, 1, 1),
        context=DistributedContext(rank, RANKS),
    )


@pytest.fixture(autouse=True)
def _generator_as_it_was():
    with torch.random.fork_rng(devices=[]):
        yield


def met_in_32_bits():
    """Pairs of ranks of seed 0, with the step of the first at which the low half of seed + step was the second's at
    its step 0: so torch's generator of the CPU, which takes no more, once drew the same for both from then on."""
    half = {rank: seed_of("step", 0, *([rank] if rank else [])) % 2**32 for rank in range(RANKS)}
    order = sorted(half, key=half.get)
    return [(a, b, half[b] - half[a]) for a, b in pairwise(order) if half[b] - half[a] < STEPS]


def test_workers_whose_seeds_met_in_32_bits_draw_other_numbers(tmp_path):
    job = job_of("pgd", tmp_path)
    pairs = met_in_32_bits()
    assert len(pairs) == 52
    for first, second, step in pairs[:8]:
        drawn = []
        for rank, at in ((first, step), (second, 0)):
            learner_of(job, ClassificationLearner, rank)._prepare_step(at, None)
            drawn.append(torch.rand(20))
        assert not (drawn[0][:, None] == drawn[1][None, :]).any()


def test_validations_of_a_generation_draw_the_same_noise_and_another_than_any_step(tmp_path, monkeypatch):
    learner = learner_of(job_of("gan", tmp_path), GenerationLearner, 0)
    drawn = []
    monkeypatch.setattr(learner, "drop_excluded", lambda batch: drawn.append(torch.rand(20)) or batch)
    monkeypatch.setattr(learner, "compute_outputs", lambda batch: None)
    monkeypatch.setattr(learner, "_loss_and_fraction", lambda outputs, batch: (torch.zeros(()), 0))
    learner.on_validation_epoch_start()
    for batch_idx in (0, 1, 0):
        learner.validation_step({"rows": 1}, batch_idx)
    assert torch.equal(drawn[0], drawn[2])
    for step in range(3):
        learner._prepare_step(step, None)
        of_step = torch.rand(20)
        assert not any((of_step[:, None] == noise[None, :]).any() for noise in drawn)
