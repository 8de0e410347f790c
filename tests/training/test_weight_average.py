"""Averaged weights: what they average, what is validated and published, and what goes on learning."""

import copy
import csv
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from interruption import weights
from safetensors.torch import load_file
from torch import nn

from bevatron.config.sections.training import WeightAverage
from bevatron.errors import UserError
from bevatron.models.layers.batch_norm import BatchNorm
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.manifest import load_manifest
from bevatron.training import fit as fitting
from bevatron.training.fit import fit, initial_network
from bevatron.training.job import FitJob
from bevatron.training.learner import Learner
from bevatron.training.weight_average import AveragedWeights, check_weight_average, running_statistics


def a_network(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    network[1].running_mean.normal_()
    return network


def averaged(settings: WeightAverage, steps: int, seen: list[torch.nn.Module]) -> dict[str, torch.Tensor]:
    average = AveragedWeights(settings, steps)
    network = copy.deepcopy(seen[0])
    for step, after in enumerate(seen):
        network.load_state_dict(after.state_dict())
        average.update(network, step)
    before = copy.deepcopy(network.state_dict())
    average.swap(network)
    found = copy.deepcopy(network.state_dict())
    average.swap(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    return found


@pytest.mark.parametrize("start", [0.0, 0.5, 1.0])
def test_an_exponential_average_is_the_sum_of_its_terms(start):
    """a = Σ_k (1 - d_k) Π_{j>k} d_j w_k, in float64 from the weights themselves; d_0 = 0."""
    steps, decay = 12, 0.6
    seen = [a_network(seed) for seed in range(steps)]
    found = averaged(WeightAverage(decay=decay, start=start), steps, seen)
    used = seen[min(round(start * steps), steps - 1) :]
    factors = [0.0] + [min(decay, (1 + n) / (10 + n)) for n in range(1, len(used))]
    for name in [*dict(seen[0].named_parameters()), "1.running_mean", "1.running_var"]:
        expected = torch.zeros((), dtype=torch.float64)
        for k, network in enumerate(used):
            factor = (1 - factors[k]) * torch.tensor(factors[k + 1 :], dtype=torch.float64).prod()
            expected = expected + factor * network.state_dict()[name].double()
        torch.testing.assert_close(found[name].double(), expected, rtol=1e-5, atol=1e-6)


def test_it_is_that_of_pytorch_where_the_decay_is_below_the_ramp():
    seen = [a_network(seed) for seed in range(9)]
    found = averaged(WeightAverage(decay=0.05), 9, seen)
    theirs = torch.optim.swa_utils.AveragedModel(
        seen[0], multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.05), use_buffers=True
    )
    for network in seen:
        theirs.update_parameters(network)
    for name, value in theirs.module.state_dict().items():
        if "num_batches" not in name:
            torch.testing.assert_close(found[name], value)


def test_an_equal_average_is_the_mean():
    seen = [a_network(seed) for seed in range(10)]
    found = averaged(WeightAverage(kind="equal", start=0.4), 10, seen)
    for name in dict(seen[0].named_parameters()):
        expected = torch.stack([network.state_dict()[name] for network in seen[4:]]).mean(0)
        torch.testing.assert_close(found[name], expected, rtol=1e-5, atol=1e-6)


def test_weights_that_do_not_learn_and_other_buffers_are_left_alone():
    network = a_network(0)
    network[0].weight.requires_grad_(False)
    network.register_buffer("mask", torch.tensor([-torch.inf, 0.0]))
    average = AveragedWeights(WeightAverage(), 5)
    for step in range(3):
        average.update(network, step)
    assert not {"0.weight", "mask", "1.num_batches_tracked"} & set(average.state_dict())


def test_a_constant_network_is_its_own_average_exactly():
    network = a_network(3)
    before = copy.deepcopy(network.state_dict())
    average = AveragedWeights(WeightAverage(), 50)
    for step in range(50):
        average.update(network, step)
    average.swap(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(folder="fit", **values):
        fixed = {"epochs": 6, "batch_size": 100, "learning_rate": 0.01} | values
        model = curve.study.models["net"].with_values({f"training.{name}": value for name, value in fixed.items()})
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / folder, reading, "cpu")

    return make


def history(job: FitJob) -> list[dict[str, str]]:
    with (job.folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("checkpoint", ["best", "last"])
def test_the_average_over_the_fits_steps_is_published(job, monkeypatch, checkpoint):
    """The weights after every step, watched from outside, averaged in float64."""
    seen, prepare = [], Learner._prepare_step

    def watch(self, step, optimiser):
        seen.append({name: value.detach().double().clone() for name, value in self.network.named_parameters()})
        prepare(self, step, optimiser)

    monkeypatch.setattr(Learner, "_prepare_step", watch)
    plain = job("plain", checkpoint="last")
    fit(plain)
    last = load_file(plain.folder / "weights.safetensors")
    after = [*seen[1:], {name: last[name].double() for name in seen[0]}]
    made = job("averaged", checkpoint=checkpoint, weight_average={"kind": "equal", "start": 0.5})
    result = fit(made)
    assert [row["train_loss"] for row in history(made)] == [row["train_loss"] for row in history(plain)]
    losses = [(float(a["val_loss"]), float(b["val_loss"])) for a, b in zip(history(made), history(plain), strict=True)]
    assert [a == b for a, b in losses] == [True, True, True, False, False, False]
    steps = len(after)
    until = steps if checkpoint == "last" else result.best_epoch * steps // 6
    found = load_file(made.folder / "weights.safetensors")
    for name in seen[0]:
        expected = torch.stack([step[name] for step in after[steps // 2 : until]]).mean(0)
        torch.testing.assert_close(found[name].double(), expected, rtol=1e-5, atol=1e-6)


def split(job: FitJob, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    with open_split(job.manifest_path, name, batch_size="full") as reader:
        batch = next(iter(reader.epoch(0, 0, shuffle=False)))
        return batch["inputs"]["x"].clone(), batch["targets"]["y"].clone()


def test_the_published_weights_have_the_validation_loss_of_the_history(job):
    made = job(weight_average={"decay": 0.9})
    result = fit(made)
    network = initial_network(made, load_manifest(made.manifest_path))
    network.load_state_dict(load_file(made.folder / "weights.safetensors"))
    x, y = split(made, "val")
    loss = (network.eval()({"x": x}).squeeze(1) - y).square().mean()
    assert loss.item() == pytest.approx(result.best_val_loss, rel=1e-5)


def test_the_last_average_is_published_when_a_fit_was_killed_after_its_last_chunk(job, monkeypatch):
    """Then no step is left, and the checkpoint alone says what the average was."""
    values = {"checkpoint": "last", "weight_average": {}, "checkpoint_seconds": 1e-9}
    straight, broken = job("straight", **values), job("broken", **values)
    fit(straight)

    def killed(*_, **__):
        raise KeyError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(fitting, "_publish", killed)
        with pytest.raises(KeyError):
            fit(broken)
    assert fit(broken).continued == 1
    assert weights(broken) == weights(straight)


def test_the_mean_of_noisy_steps_is_nearer_to_the_minimum_than_the_last(job):
    """Gradient descent at a constant rate wanders about the least squares line; its mean does not (Polyak, Juditsky).

    Compared is the training loss above that of the line which `lstsq` finds.
    """
    noisy = {"learning_rate": 0.05, "optimiser": "sgd", "batch_size": 5, "epochs": 8, "checkpoint": "last"}
    excess = []
    for name, average in (("last", None), ("mean", {"kind": "equal", "start": 0.5})):
        made = job(name, **noisy, weight_average=average)
        line = made.model.with_values({"architecture.widths": [], "architecture.dropout": 0.0})
        made = replace(made, model=line)
        fit(made)
        x, y = split(made, "train")
        network = initial_network(made, load_manifest(made.manifest_path))
        network.load_state_dict(load_file(made.folder / "weights.safetensors"))
        columns = torch.stack([x.squeeze(1), torch.ones(len(x))], 1).double()
        best = columns @ torch.linalg.lstsq(columns, y.double().unsqueeze(1)).solution
        minimum = (best.squeeze(1) - y).square().mean()
        excess.append((network.eval()({"x": x}).squeeze(1) - y).square().mean().item() - minimum.item())
    last, mean = excess
    assert 0 <= mean < 0.5 * last


def test_workers_share_the_averages_of_running_statistics_too():
    """Each sees its own part of a batch. Here the other's statistics are twice this one's, so that the mean is 1.5."""
    network = a_network(4)
    average = AveragedWeights(WeightAverage(), 5)
    average.update(network, 0)
    before = {name: value.clone() for name, value in average.state_dict().items()}
    learner = torch.nn.Module()
    learner.network, learner.average = network, average
    learner.context = SimpleNamespace(size=2, all_reduce=lambda mine: 3 * mine)
    Learner._average_running_statistics(learner)
    for name, value in average.state_dict().items():
        factor = 1.5 if "running" in name else 1.0
        torch.testing.assert_close(value, factor * before[name])


def test_shared_out_weights_are_refused():
    with pytest.raises(UserError, match="FSDP"):
        check_weight_average(WeightAverage(), "fsdp", 2, "net")
    check_weight_average(WeightAverage(), "fsdp", 1, "net")
    check_weight_average(None, "fsdp", 2, "net")


@pytest.mark.parametrize("make", [nn.BatchNorm1d, nn.BatchNorm2d, BatchNorm])
def test_all_kinds_of_batch_normalisation_have_running_statistics(make):
    network = nn.Sequential(nn.Linear(3, 4), make(4))
    assert set(running_statistics(network)) == {"1.running_mean", "1.running_var"}
    assert running_statistics(network)["1.running_mean"] is network[1].running_mean


def test_without_running_statistics_there_are_none():
    assert running_statistics(nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False), nn.LayerNorm(4))) == {}
