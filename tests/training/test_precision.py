"""Half precision: gradients are clipped at their true size, and a step is what it is in single precision."""

from itertools import pairwise

import pytest
import torch

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.errors import UserError
from bevatron.training.fit import fit
from bevatron.training.job import FitJob
from bevatron.training.learner import Learner
from bevatron.training.precision import half_precision

RATE = 1e-3


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(name, **values):
        fixed = {"learning_rate": RATE, "batch_size": 100, "epochs": 4, "checkpoint": "last"}
        values = {"architecture.dropout": 0.0} | {f"training.{k}": v for k, v in (fixed | values).items()}
        return FitJob(curve.study, curve.study.models["net"].with_values(values), curve.manifest, 0, tmp_path / name,
                      reading, "cpu")  # fmt: skip

    return make


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_a_clipped_step_has_the_length_that_was_asked_for(job, precision, monkeypatch):
    """Plain gradient descent moves the weights by rate × clip where the gradient is longer than that: in this fit,
    whose loss begins in the thousands, always. (A step whose scaled gradients overflow is left out.)"""
    seen, prepare = [], Learner._prepare_step

    def watch(learner, step, optimiser):
        weights = learner.network.parameters()
        seen.append(torch.nn.utils.parameters_to_vector(weights).detach().double().clone())
        prepare(learner, step, optimiser)

    monkeypatch.setattr(Learner, "_prepare_step", watch)
    fit(job(precision, precision=precision, optimiser="sgd", gradient_clip=0.5, schedule="constant"))
    moved = [(after - before).norm().item() for before, after in pairwise(seen)]
    steps = [length for length in moved if length > 0]
    assert len(steps) >= len(moved) - (15 if precision == "16-mixed" else 0) > 0
    assert steps == pytest.approx([RATE * 0.5] * len(steps), rel=1e-3)


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("clip", [None, 1.0])
def test_half_precision_learns_what_single_precision_does(job, optimiser, clip):
    settings = {"optimiser": optimiser, "gradient_clip": clip, "epochs": 40, "learning_rate": 0.01}
    half, single = (fit(job(p, precision=p, **settings)) for p in ("16-mixed", "32-true"))
    assert half.last_val_loss == pytest.approx(single.last_val_loss, rel=0.2)
    assert half.last_val_loss < 0.9 * 1500  # of the target's variance: both have learned something


def test_half_precision_is_computed_in_half_precision_on_a_cpu(job):
    """And not, as Lightning would have it, in bfloat16 under the same name."""
    results = [fit(job(p, precision=p)).last_val_loss for p in ("16-mixed", "bf16-mixed")]
    assert results[0] != results[1]


def test_half_precision_with_shared_out_weights_is_refused_in_one_line():
    with pytest.raises(UserError, match=r"training\.precision of Net: '16-mixed' .* choose 'bf16-mixed'"):
        half_precision(DistributedContext(rank=0, size=2, strategy="fsdp"), torch.device("cpu"), "Net")
