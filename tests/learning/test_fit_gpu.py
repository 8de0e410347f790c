"""On a GPU: a fit repeats bit for bit, learns what it learns on the CPU, and its networks are read anywhere."""

import pytest
import torch

from bevatron.learning.fit import fit
from bevatron.learning.job import FitJob

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and none is visible"),
]


@pytest.fixture
def job(curve, reading, tmp_path):
    def make(name: str, accelerator: str) -> FitJob:
        model = curve.study.models["net"].with_values({"architecture.dropout": 0.0})
        return FitJob(curve.study, model, curve.manifest, 0, tmp_path / name, reading, accelerator)

    return make


def weights(made: FitJob) -> bytes:
    return (made.folder / "weights.safetensors").read_bytes()


def test_the_same_seed_gives_the_same_bits(job):
    one, again = job("one", "cuda"), job("again", "cuda")
    fit(one)
    fit(again)
    assert weights(one) == weights(again)


def test_the_loss_is_that_of_the_cpu_within_rounding(job):
    assert fit(job("gpu", "cuda")).last_val_loss == pytest.approx(fit(job("cpu", "cpu")).last_val_loss, rel=1e-3)
