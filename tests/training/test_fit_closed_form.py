"""Architectures without steps are fitted by the same function, and leave the same files."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.errors import UserError
from bevatron.models.network import load_network
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.class_balance import class_weights
from bevatron.training.fit import describe, fit, load_finished_fit
from bevatron.training.history import COLUMNS


@pytest.fixture
def job(flavours, tmp_path):
    return lambda model, folder="fit", **values: flavours.job(tmp_path / folder, model, **values)


def split(flavours, name):
    """The dense features and labels of a split."""
    with open_split(flavours.manifest, name, batch_size="full") as reader:
        batch = next(iter(reader.epoch(0, 0, shuffle=False)))
        return batch["inputs"]["jet"].clone(), batch["targets"]["flavour"].clone()


def fitted(job, flavours):
    result = fit(job)
    spec = describe(job, load_manifest(flavours.manifest))
    (job.folder / "model.json").write_text(json.dumps({"network": spec.as_payload()}))
    return result, load_network(job.folder)


def test_fisher_s_published_network_is_linear_discriminant_analysis_of_the_dataset(job, flavours):
    result, network = fitted(job("fisher"), flavours)
    x, labels = split(flavours, "train")
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(x.double().numpy(), labels.numpy())
    others, other_labels = split(flavours, "val")
    expected = torch.tensor(reference.predict_log_proba(others.double().numpy()))
    found = network({"jet": others}).double().log_softmax(1)
    assert torch.allclose(found, expected, atol=1e-4)
    loss = -expected[torch.arange(len(others)), other_labels].mean().item()
    assert result.best_val_loss == result.last_val_loss == pytest.approx(loss, abs=1e-4)
    assert result.n_weights == 3 * 2 + 3


def test_balance_makes_the_classes_equal_to_fisher(job, flavours):
    _, network = fitted(job("fisher", training__balance="weights"), flavours)
    x, labels = split(flavours, "train")
    means = np.stack([x[labels == c].double().numpy().mean(0) for c in range(3)])
    within = np.mean([np.cov(x[labels == c].double().numpy().T, bias=True) for c in range(3)], axis=0)
    directions = means @ np.linalg.inv(within)
    scores = x.double().numpy() @ directions.T - 0.5 * (directions * means).sum(1)
    expected = torch.tensor(scores).log_softmax(1)
    assert torch.allclose(network({"jet": x}).double().log_softmax(1), expected, atol=1e-4)


def test_the_history_has_a_row_for_each_round_and_the_files_are_those_of_any_fit(job, flavours):
    made, rows = job("trees"), []
    result = fit(made, rows.append)
    with (made.folder / "history.csv").open() as file:
        stored = list(csv.DictReader(file))
    assert tuple(stored[0]) == COLUMNS
    assert [int(row["epoch"]) for row in stored] == list(range(1, 13)) == [row["epoch"] for row in rows]
    losses = [float(row["val_loss"]) for row in stored]
    assert result.best_val_loss == min(losses)
    assert result.best_epoch == 1 + losses.index(min(losses))
    assert losses[0] > result.best_val_loss
    assert load_finished_fit(made) == result == fit(made, lambda row: pytest.fail("it was fitted again"))


def test_the_kept_trees_have_the_loss_that_is_told(job, flavours):
    result, network = fitted(job("trees", inputs=["jet"], architecture__rounds=60), flavours)
    x, labels = split(flavours, "val")
    loss = torch.nn.functional.cross_entropy(network({"jet": x}), labels).item()
    assert loss == pytest.approx(result.best_val_loss, abs=1e-5)
    assert result.best_epoch < 60


@pytest.mark.parametrize("model", ["fisher", "trees"])
def test_the_same_seed_gives_the_same_bits(model, job):
    one, two = job(model, "one"), job(model, "two")
    fit(one)
    fit(two)
    name = "weights.safetensors"
    assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_a_question_is_answered_by_two_outputs(job, flavours):
    asked = job("fisher", class_subset=["beauty", "charm"])
    _, network = fitted(asked, flavours)
    x, labels = split(flavours, "train")
    kept = labels > 0
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(x[kept].double().numpy(), labels[kept].numpy())
    expected = torch.tensor(reference.predict_proba(x.double().numpy()))
    assert torch.allclose(network({"jet": x}).double().softmax(1)[:, 1:], expected, atol=1e-5)


def test_a_search_hears_of_the_last_round_as_of_the_last_epoch(job):
    rows = []
    result = fit(replace(job("trees"), epochs=9), rows.append)
    assert [row["epoch"] for row in rows] == [9] == [result.epochs]
    assert rows[0]["val_loss"] == result.last_val_loss == result.best_val_loss


def test_several_workers_are_refused_in_one_line(job):
    made = job("fisher")
    made.folder.mkdir()

    class Pair(DistributedContext):
        def broadcast(self, value):
            return value

    with pytest.raises(UserError, match=r"'fisher' is fitted by one worker, not 2"):
        fit(made, context=Pair(0, 2))


def test_weights_of_a_question_s_classes_make_them_alike(flavours):
    manifest = load_manifest(flavours.manifest)
    counts = torch.tensor([sum(s.class_counts[c] for s in manifest.splits["train"]) for c in manifest.classes])
    weights = class_weights(counts.tolist(), (2, 1))
    assert weights[0] == 0
    assert (weights * counts)[1] == pytest.approx((weights * counts)[2].item())
    assert (weights * counts).sum() == pytest.approx(counts[1:].sum().item())
