"""A detector learns, goes on with the same bits after it was killed, and refuses targets that are no boxes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from interruption import check_same_bits_after_an_interruption
from rectangles import STUDY, write_rectangles

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading, Workflow
from bevatron.errors import UserError
from bevatron.evaluate.predictions.inference import predict
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.tasks.detection import detection_metrics
from bevatron.store.shards.dataset import Dataset
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.fit import describe, fit
from bevatron.training.job import FitJob

CENTER_NET = {"kind": "center_net", "channels": [8, 16, 24, 32], "width": 24, "reference": 14.0}


def made(folder, sizes, change=lambda samples: samples, **values):
    study = Study.model_validate(STUDY)
    manifest = write_rectangles(folder / "dataset", study, sizes, change)
    model = study.models["net"].with_values({key.replace("__", "."): value for key, value in values.items()})
    return FitJob(study, model, manifest, 0, folder / "fit", DataLoading(), "cpu")


@pytest.mark.slow
@pytest.mark.parametrize("values", [{}, {"architecture": CENTER_NET, "training__learning_rate": 0.005}])
def test_a_detector_learns_to_find_rectangles(tmp_path, values):
    job = made(tmp_path, {"train": 500, "val": 60, "test": 150}, **values)
    fit(job)
    manifest = load_manifest(job.manifest_path)
    (job.folder / "model.json").write_text(json.dumps({"network": describe(job, manifest).as_payload()}))
    workflow = Workflow(studies=["rectangles"], accelerator="cpu")
    said = predict([job.folder], Dataset(job.manifest_path, manifest), ["image"], ["boxes"], workflow, threads=1)
    assert said.outputs.shape == (1, 150, 20, 6)
    bootstrap = Bootstrap(np.arange(150), 30, manifest.sha256)
    metrics = detection_metrics(job.study.task, said.outputs, said.targets["boxes"], bootstrap, 0.68)
    assert metrics["map50"].value > 0.5
    assert metrics["iou"].value > 0.5


@pytest.mark.parametrize("architecture", [{}, {"architecture": CENTER_NET}])
def test_an_interrupted_fit_ends_with_the_same_bits(tmp_path, architecture):
    sizes = {"train": 40, "val": 8, "test": 8}
    values = {"training__epochs": 3, "training__checkpoint_seconds": 1e-9, "training__batch_size": 8}
    check_same_bits_after_an_interruption(made(tmp_path, sizes, **values, **architecture))


@pytest.mark.parametrize("architecture", [{}, {"architecture": CENTER_NET}])
def test_the_validation_loss_does_not_depend_on_its_batches(tmp_path, monkeypatch, architecture):
    sizes = {"train": 16, "val": 10, "test": 4}
    one = made(tmp_path, sizes, training__epochs=1, **architecture)
    whole = fit(one)
    monkeypatch.setattr("bevatron.training.data.VALIDATION_BATCH", 3)
    parts = fit(replace(one, folder=tmp_path / "parts"))
    assert parts.last_val_loss == pytest.approx(whole.last_val_loss, rel=1e-5)


def test_other_targets_are_refused_by_the_manifest(tmp_path):
    def with_boxes(boxes):
        return lambda samples: replace(samples, targets={"boxes": boxes(samples.targets["boxes"])})

    def set_row(row):
        def changed(boxes):
            boxes = boxes.copy()
            boxes[2, 0] = row
            return boxes

        return changed

    cases = {
        r"target 'boxes' is 3 × 4 for each sample, expected boxes: n × 5": lambda b: b[..., :4],
        r"target 'boxes', row 2: found the class number 2, expected -1 to 1": set_row([0.1, 0.1, 0.4, 0.4, 2]),
        r"target 'boxes', row 2: found the class number 0.5, expected": set_row([0.1, 0.1, 0.4, 0.4, 0.5]),
        r"row 2: found the box 0.4, 0.1, 0.1, 0.4, expected x1 < x2": set_row([0.4, 0.1, 0.1, 0.4, 1]),
        r"row 2: found the box 0.1, 0.1, 12, 0.4, expected .* within 0 and 1": set_row([0.1, 0.1, 12, 0.4, 1]),
    }
    for number, (match, change) in enumerate(cases.items()):
        with pytest.raises(UserError, match=match) as caught:
            made(tmp_path / str(number), {"train": 4, "val": 4, "test": 4}, with_boxes(change))
        assert "\n" not in str(caught.value)


def test_the_learner_refuses_what_the_manifest_did_not_see(tmp_path):
    """A study whose target is asked for as boxes and is something else."""
    job = made(tmp_path, {"train": 8, "val": 8, "test": 8})
    for change, match in (
        (lambda boxes: boxes[..., :4], r"'boxes' is 3 × 4 for each sample, expected boxes: n × 5"),
        (lambda boxes: np.where(boxes == 1, 7, boxes).astype(np.float32), r"has the class number 7, expected -1 to 1"),
    ):
        _refused(job, change, match)


def _refused(job, change, match):
    import torch

    from bevatron.training.fit import initial_network
    from bevatron.training.step_chunks import Schedule
    from bevatron.training.tasks.detection import DetectionLearner

    learner = DetectionLearner(job, initial_network(job, load_manifest(job.manifest_path)), Schedule(1, 1, 1))
    boxes = torch.from_numpy(change(np.array([[[0.1, 0.1, 0.5, 0.5, 1.0]] * 3], np.float32)))
    with pytest.raises(UserError, match=match):
        learner.compute_outputs({"inputs": {"image": torch.zeros(1, 1, 48, 48)}, "targets": {"boxes": boxes}})


def test_manifest_counts_samples_with_a_box_of_each_class(tmp_path):
    job = made(tmp_path, {"train": 30, "val": 20, "test": 20})
    manifest = load_manifest(job.manifest_path)
    from bevatron.store.shards.shard import read_shard

    boxes = read_shard(job.manifest_path.parent / "train-0000.h5").targets["boxes"]
    expected = {name: sum(any(b[4] == k for b in row) for row in boxes) for k, name in enumerate(("filled", "hollow"))}
    assert manifest.class_counts("train") == expected
