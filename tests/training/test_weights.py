"""Each sample counts in the fit by its weight: integer weights are repeated samples, their scale says nothing."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import rectangles
import torch
from lives import fit_block_by_block
from safetensors.torch import load_file
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from weighted_datasets import draw_samples, repeated, study_of, weighted, weights_of, write_dataset
from worker_processes import worker_processes

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.errors import UserError
from bevatron.models.layers.images import WithHeads
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.data import DataModule
from bevatron.training.fit import fit, initial_network, make_learner
from bevatron.training.job import FitJob

MLP = {"kind": "mlp", "widths": [4]}
KINDS = {
    "classification": ("classification", "jet", MLP, {}),
    "balanced by weights": ("classification", "jet", MLP, {"balance": "weights"}),
    "regression": ("regression", "jet", MLP, {}),
    "reconstruction": ("reconstruction", "noisy", {"kind": "autoencoder", "latent": 4, "widths": [6]}, {}),
    "fisher": ("classification", "jet", {"kind": "fisher"}, {}),
    "fisher, balanced": ("classification", "jet", {"kind": "fisher"}, {"balance": "weights"}),
    "components": ("reconstruction", "noisy", {"kind": "principal_components", "latent": 3}, {}),
    "wiener": ("reconstruction", "noisy", {"kind": "wiener"}, {}),
}


def history(job) -> np.ndarray:
    with (job.folder / "history.csv").open(encoding="utf-8") as file:
        return np.array([[float(row["train_loss"]), float(row["val_loss"])] for row in csv.DictReader(file)])


def fitted(study, folder, change, **data_loading):
    job = write_dataset(study, folder / "dataset", change).job(folder / "fit", **data_loading)
    fit(job)
    return history(job), load_file(job.folder / "weights.safetensors")


def check_alike(one, other, rel=2e-5):
    np.testing.assert_allclose(one[0], other[0], rtol=rel)
    for name, values in one[1].items():
        torch.testing.assert_close(values, other[1][name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_integer_weights_are_repeated_samples(kind, tmp_path):
    task, inputs, architecture, training = KINDS[kind]
    study = study_of(task, inputs, architecture, **training)
    as_weights = fitted(study, tmp_path / "a", weighted)
    check_alike(as_weights, fitted(study, tmp_path / "b", repeated))
    plain = fitted(study, tmp_path / "c", lambda samples: samples)
    assert not np.allclose(as_weights[0], plain[0], rtol=1e-3)  # they do something


@pytest.mark.parametrize("batch_size", [50, "full"])
def test_the_scale_of_all_weights_says_nothing(batch_size, tmp_path):
    study = study_of("classification", "jet", MLP, batch_size=batch_size)
    one = fitted(study, tmp_path / "a", weighted)
    check_alike(one, fitted(study, tmp_path / "b", lambda s: weighted(s, 1000.0)))


def test_batches_do_not_change_what_a_sample_counts(tmp_path):
    """The training loss of an epoch without learning is the weighted mean over the split, whatever the batches."""
    losses = [
        fitted(
            study_of("regression", "jet", MLP, batch_size=size, learning_rate=1e-12), tmp_path / str(size), weighted
        )[0][0]
        for size in (7, 50, "full")
    ]
    np.testing.assert_allclose(losses, np.broadcast_to(losses[0], (3, 2)), rtol=1e-5)


def test_the_validation_loss_is_the_weighted_mean(tmp_path):
    """Of a streamed split as of one in memory; torch's mean of the losses is the reference."""
    study = study_of("classification", "jet", {"kind": "mlp", "widths": []}, epochs=1, batch_size=32)
    for name, reading in (("resident", {}), ("streamed", {"memory_budget_gb": 1e-6, "block_rows": 16})):
        losses, learned = fitted(study, tmp_path / name, weighted, **reading)
        samples = draw_samples("val")
        (weight,) = (v for v in learned.values() if v.ndim == 2)
        (bias,) = (v for v in learned.values() if v.shape == (3,))
        outputs = torch.from_numpy(samples.inputs["jet"].column.values) @ weight.T + bias
        of_each = torch.nn.functional.cross_entropy(
            outputs, torch.from_numpy(samples.targets["flavour"]), reduction="none"
        )
        expected = np.average(of_each.numpy(), weights=weights_of(samples))
        assert losses[0, 1] == pytest.approx(expected, rel=1e-5)


def test_batches_balanced_by_class_have_equal_sums_of_weights(tmp_path):
    """Each class weighs alike: with a weight that depends on the class alone, weights change nothing."""
    study = study_of("classification", "jet", MLP, balance="batches", batch_size=50)

    def by_class(samples):
        return replace(samples, weight=np.array([1.0, 5.0, 20.0], np.float32)[samples.targets["flavour"]])

    of_classes, plain = fitted(study, tmp_path / "a", by_class), fitted(study, tmp_path / "b", lambda s: s)
    np.testing.assert_allclose(of_classes[0][:, 0], plain[0][:, 0], rtol=1e-5)


def test_negative_weights_are_refused_unless_the_study_says_what_to_do(tmp_path):
    def negative(samples):
        weights = weights_of(samples)
        weights[::10] = -1.0
        return replace(samples, weight=weights)

    def magnitudes(samples):
        return replace(samples, weight=np.abs(negative(samples).weight))

    plain = study_of("classification", "jet", MLP)
    with pytest.raises(UserError, match=r"24 of 240 samples of the train split have a negative weight; set training"):
        fitted(plain, tmp_path / "refuse", negative)
    absolute = study_of("classification", "jet", MLP, negative_weights="absolute")
    check_alike(fitted(absolute, tmp_path / "a", negative), fitted(plain, tmp_path / "b", magnitudes))
    kept = fitted(study_of("classification", "jet", MLP, negative_weights="keep"), tmp_path / "c", negative)
    assert np.isfinite(kept[0]).all()
    fisher = study_of("classification", "jet", {"kind": "fisher"}, negative_weights="keep")
    with pytest.raises(UserError, match=r"negative weight, which 'fisher' cannot keep"):
        fitted(fisher, tmp_path / "d", negative)


def test_trees_learn_from_weights(tmp_path):
    """Their losses are those of scikit-learn's trees with the same weights, by its own weighted log loss."""
    options = {"rounds": 5, "leaves": 4, "depth": 2}
    losses, _ = fitted(study_of("classification", "jet", {"kind": "boosted_trees", **options}), tmp_path, weighted)
    trees = HistGradientBoostingClassifier(
        max_iter=5, max_leaf_nodes=4, max_depth=2, min_samples_leaf=20, early_stopping=False
    )
    x, y, w = {}, {}, {}
    for split in ("train", "val"):
        samples = draw_samples(split)
        x[split], y[split] = samples.inputs["jet"].column.values, samples.targets["flavour"]
        w[split] = weights_of(samples) / weights_of(draw_samples("train")).mean()
    trees.fit(x["train"], y["train"], sample_weight=w["train"])
    for column, split in enumerate(("train", "val")):
        expected = log_loss(y[split], trees.predict_proba(x[split]), sample_weight=w[split])
        assert losses[-1, column] == pytest.approx(expected, rel=1e-5)


def test_a_class_subset_has_the_mean_weight_one(tmp_path):
    """A factor of the weights of a class that the model leaves out says nothing."""
    study = study_of("classification", "jet", MLP, batch_size=50)
    model = study.models["net"].model_copy(update={"class_subset": ["charm", "beauty"]})
    study = study.model_copy(update={"models": {"net": model}})

    def with_light(factor):
        return lambda s: replace(s, weight=np.where(s.targets["flavour"] == 0, factor, 1.0).astype(np.float32))

    check_alike(*(fitted(study, tmp_path / str(f), with_light(f)) for f in (1.0, 50.0)))


def test_the_manifest_says_what_the_weights_add_up_to(tmp_path):
    made = write_dataset(study_of("classification", "jet", MLP), tmp_path, weighted)
    found, samples = load_manifest(made.manifest).weights["train"], draw_samples("train")
    w = weights_of(samples).astype(float)
    assert (found.sum, found.sum_of_squares, found.magnitude) == (w.sum(), (w**2).sum(), w.sum())
    assert (found.minimum, found.maximum, found.negative) == (0, 3, 0)
    assert found.class_sums["charm"] == w[samples.targets["flavour"] == 1].sum()
    assert found.effective == pytest.approx(w.sum() ** 2 / (w**2).sum())


@pytest.mark.parametrize("training", [{}, {"balance": "weights"}, {"balance": "batches"}])
def test_an_interrupted_fit_with_weights_ends_with_the_same_bits(training, tmp_path):
    study = study_of("classification", "jet", MLP, batch_size=50, checkpoint_seconds=0.001, **training)
    made = write_dataset(study, tmp_path / "dataset", weighted)
    whole, parts = made.job(tmp_path / "whole"), made.job(tmp_path / "parts")
    fit(whole)
    _, lives = fit_block_by_block(parts)
    assert lives > 1
    name = "weights.safetensors"
    assert (whole.folder / name).read_bytes() == (parts.folder / name).read_bytes()
    np.testing.assert_array_equal(history(whole), history(parts))


def first_batch(job):
    """A learner of the job, and the whole training split as its first batch."""
    manifest = load_manifest(job.manifest_path)
    data = DataModule(job, manifest, torch.device("cpu"))
    learner = make_learner(job, initial_network(job, manifest), data)
    return learner, next(data.training_batches(data.schedule.chunk(0)))


def test_the_losses_of_an_image_count_by_its_weight(tmp_path):
    """In a detection, all terms of it; the reference is numpy's average."""
    study = Study.model_validate(rectangles.STUDY)
    manifest = rectangles.write_rectangles(tmp_path, study, {"train": 16, "val": 8, "test": 8}, weighted)
    job = FitJob(study, study.models["net"], manifest, 1, tmp_path / "fit", DataLoading(), "cpu")
    learner, batch = first_batch(job)
    outputs = torch.rand(len(batch["id"]), 4)
    expected = np.average(outputs.sum(1), weights=batch["weight"])
    assert learner.loss(outputs, batch).item() == pytest.approx(expected, rel=1e-6)


def test_generators_learn_from_the_weights_of_real_images(tmp_path):
    """The losses of D and G, and V at a validation."""
    options = {"kind": "gan", "latent": 2, "generator": [4], "discriminator": [4]}
    made = write_dataset(study_of("generation", "noisy", options, checkpoint="last"), tmp_path, weighted)
    learner, batch = first_batch(made.job(tmp_path / "fit"))
    outputs = torch.rand(len(batch["id"]), 2)
    expected = np.average(outputs.sum(1), weights=batch["weight"])
    assert learner.loss(outputs, batch).item() == pytest.approx(expected, rel=1e-6)
    learner.eval()
    learner._objective = torch.zeros((), dtype=torch.float64)
    learner.loss(outputs, batch)
    v = learner._objective.item() / learner.sample_weights(batch).sum().item()
    assert v == pytest.approx(-np.average(outputs[:, 0], weights=batch["weight"]), rel=1e-6)


@pytest.mark.parametrize("augmented", [{}, {"adversarial": {"epsilon": 0.1, "range": [-9, 9]}}])
def test_auxiliary_heads_and_adversarial_examples_count_by_the_weight_too(augmented, tmp_path):
    """Samples of weight zero leave the gradient of a step as it is without them."""
    study = study_of("classification", "jet", MLP, **augmented)
    gradients = []
    for name, change in (("a", weighted), ("b", repeated)):
        learner, batch = first_batch(write_dataset(study, tmp_path / name, change).job(tmp_path / "fit"))
        outputs = learner(batch["inputs"])
        learner.loss(WithHeads(outputs, [outputs * 2, outputs.sin()]), batch).backward()
        gradients.append([p.grad for p in learner.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("balance", ["weights"])
def test_several_workers_count_weights_as_one_does(balance, tmp_path):
    """Losses of both splits and weights, with batches of which the workers have parts of unequal weight."""
    study = study_of("classification", "jet", MLP, batch_size=33, balance=balance)
    made = write_dataset(study, tmp_path / "dataset", weighted)
    alone, together = made.job(tmp_path / "alone"), made.job(tmp_path / "together")
    fit(alone)
    together.folder.mkdir()
    run_workers(together, tmp_path / "job.json", 2)
    check_alike(
        (history(alone), load_file(alone.folder / "weights.safetensors")),
        (history(together), load_file(together.folder / "weights.safetensors")),
    )


def run_workers(job, file, size):
    file.write_text(json.dumps(job.as_payload()))
    errors = [file.with_suffix(f".{rank}") for rank in range(size)]
    with worker_processes() as processes:
        codes = processes.run(file, size, errors)
    assert codes == [0] * size, [path.read_text() for path in errors]
