"""Networks with batch normalisation, dropout and auxiliary heads fit images, and go on with the same bits."""

from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch
from image_jobs import TREE, enlarged, write_images
from interruption import check_same_bits_after_an_interruption

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.models.layers.images import WithHeads
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.layers.normalise import Normalise
from bevatron.store.readers.split import describe
from bevatron.store.readers.streaming import StreamingReader
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.collate import Collate, rows_at_once
from bevatron.training.fit import fit, initial_network
from bevatron.training.heads import HEADS_WEIGHT
from bevatron.training.job import FitJob
from bevatron.training.tasks.classification import ClassificationLearner


@pytest.fixture
def job(tmp_path):
    study = Study.model_validate(TREE)
    return FitJob(
        study, study.models["net"], write_images(tmp_path / "data", study), 0, tmp_path / "fit", DataLoading(), "cpu"
    )


def test_batch_normalisation_goes_on_with_the_same_bits(job):
    check_same_bits_after_an_interruption(job)


def test_channels_last_fits_to_nearly_the_same_weights(job):
    study = job.study
    model = job.model.with_values({"training.memory_format": "channels_last", "training.epochs": 1})
    plain = replace(job, model=job.model.with_values({"training.epochs": 1}), folder=job.folder.with_name("plain"))
    last = replace(job, study=study, model=model, folder=job.folder.with_name("last"))
    assert fit(last).last_val_loss == pytest.approx(fit(plain).last_val_loss, rel=1e-2)


def test_bf16_fits_on_a_cpu(job):
    model = job.model.with_values({"training.precision": "bf16-mixed", "training.epochs": 1})
    assert np.isfinite(fit(replace(job, model=model)).last_val_loss)


def test_heads_enter_the_loss_in_training(job):
    learner = ClassificationLearner(job, initial_network(job, load_manifest(job.manifest_path)), None)
    labels = torch.tensor([0, 1, 1])
    batch = {"targets": {"label": labels}}
    outputs = [torch.randn(3, 2) for _ in range(3)]
    single = [learner.loss(o, batch) for o in outputs]
    joint = learner.loss(WithHeads(outputs[0], tuple(outputs[1:])), batch)
    torch.testing.assert_close(joint, single[0] + HEADS_WEIGHT * (single[1] + single[2]))
    assert HEADS_WEIGHT == 0.3


def test_large_images_are_predicted_a_few_at_a_time():
    jets = {"jet": InputGroup((4,), ("a",) * 4), "tracks": InputGroup((15, 21), ("a",) * 21, is_ragged=True)}
    assert rows_at_once(jets, 5_000) == 5_000
    large = {"hires": InputGroup((3, 576, 576), ("u", "v", "y"))}
    assert 1 <= rows_at_once(large, 5_000) * 3 * 576**2 * 4 <= 70e6
    assert rows_at_once({"huge": InputGroup((3, 10_000, 10_000), ("u", "v", "y"))}, 5_000) == 1


def test_scale_keeps_empty_pixels_empty_and_knows_channels():
    from types import SimpleNamespace as Numbers

    statistics = {"image": {"u": Numbers(mean=3.0, std=4.0), "y": Numbers(mean=0.0, std=0.0)}}
    normalise = Normalise("rms", {"image": InputGroup((2, 4, 5), ("u", "y"))}, statistics)
    image = torch.zeros(1, 2, 4, 5)
    image[0, 0, 1, 2], image[0, 1, 3, 4] = 10.0, 7.0
    found = normalise({"image": image})["image"]
    assert found[0, 0, 1, 2] == 2.0
    assert found[0, 1, 3, 4] == 7.0
    assert found.count_nonzero() == 2


@pytest.mark.slow
def test_memory_stays_flat_over_epochs(tmp_path):
    """Sparse images of a larger buffer, streamed and made dense: 1.3 GB an epoch through less than 60 MB more."""
    study = Study.model_validate(TREE)
    side = 576

    manifest = write_images(tmp_path / "data", study, lambda made: enlarged(made, side))
    collate = Collate({"image": InputGroup((1, side, side), ("charge",))}, torch.device("cpu"))
    used, process = [], psutil.Process()
    with StreamingReader(describe(manifest, "train"), 16, 16, 2, 4e9) as reader:
        for epoch in range(20):
            for batch in reader.epoch(1, epoch):
                collate(batch["inputs"])
            used.append(process.memory_info().rss)
    assert max(used[2:]) - used[1] < 60e6
