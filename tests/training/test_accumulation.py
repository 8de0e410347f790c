"""Accumulated gradients: the steps of batches as large as all that are accumulated."""

import csv

import pytest
import torch
from safetensors.torch import load_file

from bevatron.config.sections.workflow import DataLoading
from bevatron.training.accumulation import GradientSum
from bevatron.training.data import DataModule
from bevatron.training.fit import fit
from bevatron.training.job import FitJob
from bevatron.training.learner import Learner


@pytest.fixture
def curves(curve, reading, tmp_path):
    def make(folder, data_loading=reading, **values):
        values = {
            "epochs": 4,
            "learning_rate": 0.01,
            "optimiser": "sgd",
            "momentum": 0.5,
            "checkpoint": "last",
        } | values
        model = curve.study.models["net"].with_values({f"training.{name}": value for name, value in values.items()})
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / folder, data_loading, "cpu")

    return make


def same_fit(one: FitJob, other: FitJob, columns: tuple[str, ...] = ("step", "train_loss", "val_loss")) -> None:
    """The same steps but for rounding: float32 sums in another order."""
    a, b = fit(one), fit(other)
    assert (a.steps, a.samples, a.epochs) == (b.steps, b.samples, b.epochs)
    rows = []
    for job in (one, other):
        with (job.folder / "history.csv").open() as file:
            rows.append([[float(r[k]) for k in columns] for r in csv.DictReader(file)])
    torch.testing.assert_close(torch.tensor(rows[0]), torch.tensor(rows[1]), rtol=1e-4, atol=1e-6)
    theirs = load_file(other.folder / "weights.safetensors")
    for name, found in load_file(one.folder / "weights.safetensors").items():
        torch.testing.assert_close(found, theirs[name], rtol=1e-3, atol=2e-5)


# 700 training samples: 4 · 70 leaves groups of 4, 4 and 2 batches; 3 · 90 a last batch of 70 in a group of 2;
# 5 · 200 a single group of an epoch, of 4 batches the last of which is half as large.
@pytest.mark.parametrize(("batch", "n"), [(70, 4), (90, 3), (200, 5), (7, 100)])
@pytest.mark.parametrize("more", [{}, {"gradient_clip": 0.1, "schedule": "cosine"}], ids=["plain", "clipped cosine"])
def test_it_is_a_batch_of_all_samples(batch, n, more, curves):
    same_fit(curves("parts", batch_size=batch, accumulate=n, **more), curves("whole", batch_size=batch * n, **more))


def test_it_is_a_batch_of_all_samples_when_streamed(curves):
    streamed = DataLoading(memory_budget_gb=1e-9, block_rows=60, buffer_blocks=3)
    same_fit(
        curves("parts", streamed, batch_size=30, accumulate=4), curves("whole", streamed, batch_size=120, accumulate=1)
    )


CLASSES = [
    {},
    {"training__balance": "weights"},
    {"training__balance": "batches"},
    {"training__class_ratio": {"light": 3, "charm": 2, "beauty": 2}, "training__sample_order": "alternating"},
]


@pytest.mark.parametrize("values", CLASSES, ids=lambda values: "-".join(map(str, values.values())) or "plain")
@pytest.mark.parametrize("model", ["net", "lstm", "beauty_or_charm"])
def test_it_is_a_batch_of_all_samples_with_classes(values, model, flavours, tmp_path):
    """Class weights make the mean one of weights, and a class subset leaves batches of unequal size, also of none."""
    if model == "beauty_or_charm" and "training__class_ratio" in values:
        values = {"training__class_ratio": {"charm": 2, "beauty": 2}}
    fixed = {"training__epochs": 2, "training__optimiser": "sgd", "training__learning_rate": 0.05} | values
    one = flavours.job(tmp_path / "one", model, **fixed, training__batch_size=24, training__accumulate=3)
    other = flavours.job(tmp_path / "other", model, **fixed, training__batch_size=72)
    # The history's training loss is a mean over batches of their means, which class weights make another one.
    weighted = values.get("training__balance") == "weights"
    same_fit(one, other, *([("step", "val_loss")] if weighted else []))


@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
@pytest.mark.parametrize("clip", [None, 0.1])
def test_it_is_a_batch_of_all_samples_in_half_precision(precision, clip, flavours, tmp_path):
    """To the precision of bfloat16, 2⁻⁸; gradients divided before the loss scale is, say, would be far off."""
    rate = 0.5 if clip is None else 2.0
    values = {"precision": precision, "gradient_clip": clip, "optimiser": "sgd", "learning_rate": rate, "epochs": 3}
    losses = []
    for name, batch, n in (("parts", 24, 4), ("whole", 96, 1), ("small", 24, 1)):
        given = {f"training__{key}": value for key, value in {**values, "batch_size": batch, "accumulate": n}.items()}
        losses.append(fit(flavours.job(tmp_path / name, "net", **given)).last_val_loss)
    assert losses[0] == pytest.approx(losses[1], rel=0.01)
    assert losses[2] != pytest.approx(losses[1], rel=0.02)


def test_the_sum_is_the_gradient_of_the_weighted_mean():
    """Also where a batch has no sample, and where no batch has one."""
    network = torch.nn.Linear(2, 1).double()
    x = torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    (expected,) = torch.autograd.grad(network(x).square().mean(), [network.weight])
    total = GradientSum(5)
    for part in (x[:0], x[:4], x[:0], x[4:5], x[5:]):
        loss = network(part).square().mean() if len(part) else network(part).sum() * 0.0
        total.weigh(loss, float(len(part)), len(part)).backward()
    total.divide(network)
    torch.testing.assert_close(network.weight.grad, expected)
    network.zero_grad()
    empty = GradientSum(1)
    empty.weigh(network(x[:0]).sum() * 0.0, 0.0, 0).backward()
    empty.divide(network)
    assert network.weight.grad is not None
    assert (network.weight.grad == 0).all()


def test_a_further_loss_is_weighted_by_samples():
    """With weights that are samples it is its mean; with others Σ samples / Σ w times that, with the task's exact."""
    network = torch.nn.Linear(2, 2).double()
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(9, 2, dtype=torch.float64, generator=generator)
    for weights in (torch.ones(9, dtype=torch.float64), torch.rand(9, dtype=torch.float64, generator=generator)):
        task, further = network(x)[:, 0].square(), network(x)[:, 1].abs()
        whole = (task * weights).sum() / weights.sum() + further.mean() * len(x) / weights.sum()
        (expected,) = torch.autograd.grad(whole, [network.weight])
        network.zero_grad()
        total = GradientSum(3)
        for rows in (slice(0, 4), slice(4, 5), slice(5, 9)):
            part, w = network(x[rows]), weights[rows]
            loss = total.weigh((part[:, 0].square() * w).sum() / w.sum(), w.sum(), len(w))
            (loss + total.weigh_by_samples(part[:, 1].abs().mean(), len(w))).backward()
        total.divide(network)
        torch.testing.assert_close(network.weight.grad, expected)


def test_schedules_count_optimiser_steps(curves, monkeypatch):
    seen, prepare = [], Learner._prepare_step

    def watch(self, step, optimiser):
        prepare(self, step, optimiser)
        seen.append((step, optimiser.param_groups[0]["lr"]))

    monkeypatch.setattr(Learner, "_prepare_step", watch)
    result = fit(curves("fit", batch_size=70, accumulate=4, schedule="cosine"))
    whole, seen[:] = seen[:], []
    fit(curves("large", batch_size=280, schedule="cosine"))
    assert whole == seen
    assert result.steps == len(whole) == 4 * 3


def test_a_chunk_has_no_more_batches_than_elsewhere(curves, curve):
    from bevatron.store.shards.manifest import load_manifest

    manifest = load_manifest(curve.manifest)
    for n, expected in ((1, 50), (4, 12), (49, 1), (51, 1), (1000, 1)):
        data = DataModule(curves("x", batch_size=1, accumulate=n), manifest, torch.device("cpu"))
        schedule = data.schedule
        assert schedule.steps_per_chunk == expected
        assert schedule.steps_per_epoch == -(-700 // n)
        chunks = [schedule.chunk(k) for k in range(schedule.n_chunks)]
        assert [c.first_step for c in chunks] == [0, *(c.last_step for c in chunks[:-1])]
        places = [p for s in range(schedule.steps_per_epoch) for p in data.batches_of_step(s)]
        assert places == list(range(700))
        data.close()
