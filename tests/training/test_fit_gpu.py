"""On a GPU: fits repeat bit for bit, also after an interruption, whatever the network and the kind of learning; they
learn what they learn on the CPU, and their networks are read anywhere."""

import pytest
import torch
from digit_jobs import job_of
from image_jobs import TREE, enlarged, write_images
from interruption import check_same_bits_after_an_interruption, weights
from rectangles import STUDY, write_rectangles

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.training.fit import fit
from bevatron.training.job import FitJob

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and none is visible"),
]
NETWORKS = {
    "lenet": {},
    "alexnet": {"width": 0.0625, "stride": 1},
    "googlenet": {"width": 0.0625, "stem_stride": 1},
    "resnet": {"depth": 50, "width": 0.125, "stem": "small"},
    "inception_resnet_v2": {"width": 0.0625, "blocks": [1, 1, 1]},
    "convolutional": {"channels": [4, 4, 8, 8], "pool_after": [2, 4], "activation": "prelu", "dropout": 0.2},
}
MIXED = {"training.precision": "bf16-mixed", "training.memory_format": "channels_last"}


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(name: str, accelerator: str) -> FitJob:
        model = curve.study.models["net"].with_values({"architecture.dropout": 0.0})
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / name, reading, accelerator)

    return make


def test_the_same_seed_gives_the_same_bits(job):
    one, again = job("one", "cuda"), job("again", "cuda")
    fit(one)
    fit(again)
    assert weights(one) == weights(again)


def test_the_loss_is_that_of_the_cpu_within_rounding(job):
    assert fit(job("gpu", "cuda")).last_val_loss == pytest.approx(fit(job("cpu", "cpu")).last_val_loss, rel=1e-3)


@pytest.mark.parametrize("values", [{}, MIXED], ids=["float32", "bf16 channels last"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_over_images(kind, values, tmp_path):
    net = {**TREE["models"]["net"], "architecture": {"kind": kind, **NETWORKS[kind]}}
    study = Study.model_validate({**TREE, "models": {"net": net}})
    side = 96 if kind == "inception_resnet_v2" else 48  # it needs 75
    manifest = write_images(tmp_path / "data", study, lambda made: enlarged(made, side))
    model = study.models["net"].with_values(values)
    check_same_bits_after_an_interruption(FitJob(study, model, manifest, 0, tmp_path / "fit", DataLoading(), "cuda"))


@pytest.mark.parametrize("kind", ["fgsm", "pgd", "augmented", "gan", "autoencoder"])
def test_kinds_of_learning(kind, tmp_path):
    check_same_bits_after_an_interruption(job_of(kind, tmp_path, "cuda"))


def test_a_detector(tmp_path):
    study = Study.model_validate(STUDY)
    manifest = write_rectangles(tmp_path / "data", study, {"train": 40, "val": 8, "test": 8})
    values = {"training.epochs": 3, "training.checkpoint_seconds": 1e-9, "training.batch_size": 8}
    model = study.models["net"].with_values(values)
    check_same_bits_after_an_interruption(FitJob(study, model, manifest, 0, tmp_path / "fit", DataLoading(), "cuda"))
