"""A segmentation learns, its loss is a mean over pixels, and it goes on with the same bits after it was killed."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from crossings import CLASSES, STUDY, write_crossings
from interruption import check_same_bits_after_an_interruption
from torch.nn import functional

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading, Workflow
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.test_split import predict_test_split
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.tasks.segmentation import SegmentationEvaluation
from bevatron.store.readers.batch import SparseBatch
from bevatron.store.shards.dataset import Dataset
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.data import DataModule
from bevatron.training.fit import describe, fit, initial_network, make_learner
from bevatron.training.job import FitJob

SIZES = {"train": 40, "val": 12, "test": 20}


def made(folder, sizes=SIZES, change=lambda samples: samples, **values):
    study = Study.model_validate(STUDY)
    manifest = write_crossings(folder / "dataset", study, sizes, change)
    model = study.models["net"].with_values({key.replace("__", "."): value for key, value in values.items()})
    return FitJob(study, model, manifest, 0, folder / "fit", DataLoading(), "cpu")


def test_it_learns_which_line_a_pixel_belongs_to(tmp_path):
    job = made(tmp_path, {"train": 120, "val": 20, "test": 40}, training__epochs=6)
    fit(job)
    manifest = load_manifest(job.manifest_path)
    (job.folder / "model.json").write_text(json.dumps({"network": describe(job, manifest).as_payload()}))
    workflow = Workflow(studies=["crossings"], accelerator="cpu")
    dataset = Dataset(job.manifest_path, manifest)
    context = EvaluationContext(job.study, workflow, "net", dataset, (job.folder,), (0,))
    said = predict_test_split(context)
    assert said.outputs.shape == (1, 40, 3, 3)
    counts = manifest.element_counts("line", "test")
    assert said.outputs[0].sum((0, 2)).tolist() == [counts[name] for name in CLASSES]
    assert counts["corner"] == 0  # a class that nothing has is no fault, and has no metric
    evaluation = SegmentationEvaluation()
    bootstrap = Bootstrap(said.id, 30, manifest.sha256)
    metrics, curves = evaluation.metrics(job.study.task, said, bootstrap, context)
    assert metrics["mean_iou"].value > 0.7
    assert "iou.corner" not in metrics
    assert metrics["dense_cost"].value > 5
    for example in curves["examples"]:
        assert len(example["true"]) == len(example["predicted"]) == len(example["index"]) == len(example["value"])
        assert {-1, 0, 1} >= set(example["true"])
    wrong = sum(t != p for e in curves["examples"] for t, p in zip(e["true"], e["predicted"], strict=True) if t >= 0)
    assert wrong < 0.3 * sum(len(e["true"]) for e in curves["examples"])


@pytest.mark.parametrize("balance", ["none", "weights"])
def test_the_loss_is_the_mean_over_pixels_whatever_the_batches(balance, tmp_path):
    """PyTorch's own mean over all pixels of a split at once, with its class weights, beside the sum over batches."""
    job = made(tmp_path, training__balance=balance)
    manifest = load_manifest(job.manifest_path)
    data = DataModule(job, manifest, torch.device("cpu"))
    network = initial_network(job, manifest)
    learner = make_learner(job, network, data)
    learner._trainer = type("Trainer", (), {"datamodule": data})()
    learner.eval()
    logits, labels, total, n = [], [], 0.0, 0
    with torch.no_grad():
        for batch in data.validation_batches():
            outputs = learner.compute_outputs(batch)
            of_images = learner.sample_losses(outputs, batch)
            assert learner.mean_loss(outputs, batch).item() == pytest.approx(of_images.mean().item(), rel=1e-5)
            total, n = total + of_images.sum().item(), n + len(batch["id"])
            logits.append(outputs.clone())
            labels.append(batch["element_targets"]["line"].values.long().clone())
    expected = functional.cross_entropy(
        torch.cat(logits), torch.cat(labels), learner.class_weights, ignore_index=-1, reduction="mean"
    )
    assert n == SIZES["val"]
    assert total / n == pytest.approx(expected.item(), rel=1e-5)
    if balance == "weights":
        counts = np.array(list(manifest.element_counts("line", "train").values()))
        weights = learner.class_weights.numpy()
        assert weights[2] == 0  # of the class without a pixel
        np.testing.assert_allclose(weights[0] * counts[0], weights[1] * counts[1], rtol=1e-5)
    data.close()


def test_the_validation_loss_does_not_depend_on_its_batches(tmp_path, monkeypatch):
    one = made(tmp_path, training__epochs=1)
    whole = fit(one)
    monkeypatch.setattr("bevatron.training.data.VALIDATION_BATCH", 5)
    parts = fit(replace(one, folder=tmp_path / "parts"))
    assert parts.last_val_loss == pytest.approx(whole.last_val_loss, rel=1e-5)


def test_an_interrupted_fit_ends_with_the_same_bits(tmp_path):
    check_same_bits_after_an_interruption(made(tmp_path, training__checkpoint_seconds=1e-9))


def test_pixels_and_their_classes_stay_together_in_batches(tmp_path):
    """A line is all of one class: in every shuffled batch a pixel with a class has a neighbour of the same one."""
    job = made(tmp_path)
    data = DataModule(job, load_manifest(job.manifest_path), torch.device("cpu"))
    for batch in data.training_batches(data.schedule.chunk(0)):
        images, target = batch["inputs"]["image"], batch["element_targets"]["line"]
        assert isinstance(images, SparseBatch)
        assert torch.equal(images.offsets.diff(), target.lengths)
        for k in range(len(target.lengths)):
            own = slice(int(images.offsets[k]), int(images.offsets[k + 1]))
            label = torch.full((34, 34), -2)
            row, column = images.index[own].long() // 32, images.index[own].long() % 32
            label[row + 1, column + 1] = target.values[own].long()
            for number, (dy, dx) in ((0, (0, 1)), (1, (1, 0))):
                line = (label == number).nonzero()
                assert all(number in (label[y - dy, x - dx], label[y + dy, x + dx]) for y, x in line)
    data.close()


def without_target(samples):
    return replace(samples, element_targets={})


def of_other_classes(samples):
    target = samples.element_targets["line"]
    return replace(samples, element_targets={"line": replace(target, classes=("a", "b", "c"))})


def without_classes(samples):
    target = samples.element_targets["line"]
    return replace(samples, element_targets={"line": replace(target, values=np.full_like(target.values, -1))})


def test_what_does_not_fit_is_refused_in_a_line(tmp_path):
    with pytest.raises(UserError, match="has no target of elements 'line', which the task names; it has: none"):
        made(tmp_path / "a", change=without_target)
    with pytest.raises(UserError, match="'line' has the classes a, b, c; the task's are horizontal, vertical"):
        made(tmp_path / "b", change=of_other_classes)
    job = made(tmp_path / "c", change=without_classes)
    with pytest.raises(UserError, match="no pixel of the train split has a class of 'line'"):
        fit(job)
    with pytest.raises(ValueError, match="a segmentation has one target, 'line'"):
        Study.model_validate(STUDY | {"models": {"net": {**STUDY["models"]["net"], "target": "other"}}})
    kind = {"kind": "regression", "target": "line"}
    with pytest.raises(ValueError, match="'sparse_unet' is for the task segmentation alone"):
        Study.model_validate(STUDY | {"task": kind})
