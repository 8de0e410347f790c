"""Where Lightning has nothing to add to a step, PyTorch is called at once: with the same numbers, and not elsewhere."""

import csv

import pytest
import pytorch_lightning as pl
import torch
from interruption import weights

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.errors import UserError
from bevatron.training import fit as fitting
from bevatron.training.fit import fit
from bevatron.training.job import FitJob
from bevatron.training.learner import Learner


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(folder, **training):
        fixed = {"epochs": 4, "batch_size": 100, "gradient_clip": 0.5}
        values = {f"training.{name}": value for name, value in (fixed | training).items()}
        model = curve.study.models["net"].with_values({"architecture.dropout": 0.1} | values)
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / folder, reading, "cpu")

    return make


def losses(job):
    with (job.folder / "history.csv").open() as file:
        return [(row["train_loss"], row["val_loss"]) for row in csv.DictReader(file)]


def first_checkpoint(job):
    with pytest.raises(UserError, match="asked to end"):
        fit(job, context=DistributedContext(stop_requested=lambda: True))
    (path,) = job.folder.glob("chunk-*.ckpt")
    return torch.load(path, weights_only=True)


@pytest.fixture
def by_lightning(monkeypatch):
    return lambda: monkeypatch.setattr(Learner, "_computes_directly", lambda self: False)


def test_direct_steps_and_those_of_lightning_have_the_same_bits(job, by_lightning):
    direct, wrapped = job("direct"), job("wrapped")
    fit(direct)
    by_lightning()
    fit(wrapped)
    assert weights(direct) == weights(wrapped)
    assert losses(direct) == losses(wrapped)


def test_checkpoints_count_the_steps_as_lightning_does(job, by_lightning):
    direct = first_checkpoint(job("direct"))
    by_lightning()
    wrapped = first_checkpoint(job("wrapped"))
    assert direct["global_step"] == wrapped["global_step"] == 7
    assert direct["loops"] == wrapped["loops"]


def test_a_callback_that_watches_gradients_is_called_at_each_step(job, monkeypatch):
    class Watch(pl.Callback):
        calls = 0

        def on_after_backward(self, trainer, pl_module):
            self.calls += 1

    watch = Watch()
    monkeypatch.setattr(fitting, "_early_stopping", lambda job: [watch])
    fit(job("watched"))
    assert watch.calls == 4 * 7


@pytest.mark.parametrize(("precision", "direct"), [("32-true", True), ("bf16-mixed", False), ("16-mixed", False)])
def test_other_precisions_go_through_lightning(job, precision, direct, monkeypatch):
    found, ask = [], Learner._computes_directly
    monkeypatch.setattr(Learner, "_computes_directly", lambda self: found.append(ask(self)) or found[-1])
    fit(job(precision, precision=precision))
    assert set(found) == {direct}
