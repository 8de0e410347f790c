"""A model with a class subset learns from the samples of its classes alone."""

import json

import pytest
import torch
from torch.nn import functional

from bevatron.models.network import load_network
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.fit import describe, fit


@pytest.fixture
def job(flavours, tmp_path):
    return lambda model, folder="fit", **values: flavours.job(tmp_path / folder, model, **values)


def jets(flavours, split):
    with open_split(flavours.manifest, split, batch_size="full", groups=["jet"]) as reader:
        batch = next(iter(reader.epoch(0, 0, shuffle=False)))
        return batch["inputs"]["jet"].clone(), batch["targets"]["flavour"].clone()


def network_of(job, flavours):
    spec = describe(job, load_manifest(flavours.manifest))
    (job.folder / "model.json").write_text(json.dumps({"network": spec.as_payload()}))
    return load_network(job.folder)


def test_validation_is_the_mean_loss_over_the_classes_asked_for(job, flavours):
    made = job("beauty_or_charm")
    result = fit(made)
    x, labels = jets(flavours, "val")
    kept = labels > 0
    loss = functional.cross_entropy(network_of(made, flavours)({"jet": x[kept]}), labels[kept]).item()
    assert result.best_val_loss == pytest.approx(loss, rel=1e-5)


def test_full_batches_end_where_logistic_regression_of_two_classes_does(job, flavours):
    """Newton's method on the two classes alone is the reference."""
    made = job(
        "beauty_or_charm", training__batch_size="full", training__epochs=400, training__validate_every=400,
        training__learning_rate=0.1, training__checkpoint="last",
    )  # fmt: skip
    fit(made)
    x, labels = jets(flavours, "train")
    kept = labels > 0
    a = torch.cat([x[kept], torch.ones(int(kept.sum()), 1)], 1).double()
    y, w = (labels[kept] == 2).double(), torch.zeros(3, dtype=torch.float64)
    for _ in range(20):
        p = torch.sigmoid(a @ w)
        w = w + torch.linalg.solve(a.t() @ (a * (p * (1 - p)).unsqueeze(1)), a.t() @ (y - p))
    out = network_of(made, flavours)({"jet": x}).double()
    expected = torch.cat([x, torch.ones(len(x), 1)], 1).double() @ w
    assert torch.allclose(out[:, 2] - out[:, 1], expected, atol=0.02)
    assert torch.all(out.softmax(1)[:, 0] == 0)


def test_batches_without_any_of_its_classes_pass_by(job):
    """Of batches of one sample, half hold none of the two classes."""
    result = fit(job("charm_or_light", class_subset=["charm", "beauty"], training__batch_size=1, training__epochs=1))
    assert result.steps == 900
    assert 0 < result.last_val_loss < 2


def test_batches_balanced_by_class_go_with_it(job):
    result = fit(job("beauty_or_charm", training__balance="batches", training__epochs=2))
    assert result.best_val_loss < 0.8
