"""Fits of real digits, attacked, augmented, generated and reconstructed, go on with the same bits."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bevatron.config.identity import dataset_digest, raw_digest
from bevatron.config.study import Study
from bevatron.config.workflow import Reading
from bevatron.learning.fit import fit
from bevatron.learning.job import FitJob
from bevatron.simulate.sources.digits import Digits
from bevatron.store.manifest import build_manifest, load_manifest, write_manifest
from bevatron.store.shard import write_shard

CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
FIT = {"epochs": 4, "batch_size": 32, "learning_rate": 0.003, "keep": "last", "checkpoint_seconds": 1e-9}
CLASSIFICATION = {"kind": "classification", "target": "label", "classes": CLASSES, "signal": "eight"}
MLP = {"kind": "mlp", "widths": [32], "activation": "relu"}
CNN = {"kind": "convolutional", "channels": [4], "pool_after": [1], "widths": [16]}
KINDS = {
    "fgsm": (CLASSIFICATION, MLP, {"adversarial": {"epsilon": 0.1}}),
    "pgd": (CLASSIFICATION, MLP, {"adversarial": {"epsilon": 0.1, "attack": "pgd", "steps": 2}}),
    "augmented": (CLASSIFICATION, CNN, {"augmentation": {"mirror": True, "shift": 1}}),
    "gan": (
        {"kind": "generation", "target": "label", "classes": CLASSES},
        {"kind": "gan", "generator": [16], "discriminator": [16], "snapshots": 3, "spectral_normalisation": True},
        {"adam_memory": 0.5},
    ),
    "autoencoder": (
        {"kind": "reconstruction", "target": "clean"},
        {"kind": "convolutional_autoencoder", "hidden": 4, "channels": [4, 4]},
        {},
    ),
    "components": ({"kind": "reconstruction", "target": "clean"}, {"kind": "principal_components", "hidden": 5}, {}),
    "wiener": ({"kind": "reconstruction", "target": "clean"}, {"kind": "wiener"}, {}),
}


def job_of(kind, folder):
    task, architecture, training = KINDS[kind]
    study = Study.model_validate(
        {
            "name": "digits_fit",
            "title": "Digits",
            "summary": "Digits.",
            "simulation": {"source": {"kind": "digits"}, "shards": 1, "seed": 1},
            "dataset": {"recipe": {"kind": "pictures"}},
            "task": task,
            "models": {
                "net": {
                    "title": kind,
                    "inputs": ["picture"],
                    "normalise": "none",
                    "architecture": architecture,
                    "training": {**FIT, **training},
                }
            },
        }
    )
    attributes = {
        "study": study.name,
        "source": "digits",
        "versions": {"generator": "1"},
        "digest": dataset_digest(study),
        "raw_digest": raw_digest(study),
        "classes": CLASSES if task["kind"] != "reconstruction" else [],
        "shard": 0,
    }
    whole = Digits().simulate(Digits.Options(kind="digits"), 0, 1)[0]
    for start, (split, n) in zip((0, 320, 480), {"train": 320, "val": 160, "test": 160}.items(), strict=True):
        part = whole.take(np.arange(start, start + n))
        clean = part.inputs["picture"].column.values
        write_shard(
            folder / "data" / f"{split}-0000.h5", replace(part, targets=part.targets | {"clean": clean}), attributes
        )
    write_manifest(folder / "data" / "manifest.json", build_manifest(folder / "data", study))
    return FitJob(study, study.models["net"], folder / "data" / "manifest.json", 0, folder / "fit", Reading(), "cpu")


def weights(job):
    return (job.folder / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("kind", ["fgsm", "pgd", "augmented", "gan", "autoencoder"])
def test_an_interrupted_fit_ends_with_the_same_bits(kind, tmp_path):
    def interrupt(row):
        if row["epoch"] == 2:
            raise KeyError("interrupted")

    job = job_of(kind, tmp_path)
    broken = replace(job, folder=tmp_path / "broken")
    fit(job)
    with pytest.raises(KeyError):
        fit(broken, interrupt)
    assert fit(broken).continued == 1
    assert weights(broken) == weights(job)


def test_a_gan_is_remembered_at_moments_evenly_spread(tmp_path):
    from safetensors.torch import load

    job = job_of("gan", tmp_path)
    fit(job)
    found = load(weights(job))
    assert found["architecture.past_epoch"].tolist() == [1, 3, 4]  # of four: the first, the middle, the last
    last = [found[f"architecture.generator.{name}"].flatten() for name in ("0.weight", "0.bias", "2.weight", "2.bias")]
    assert torch.equal(found["architecture.past_weights"][-1], torch.cat(last))
    assert (found["architecture.past_objective"] < 0).all()  # a mean of logarithms of probabilities


def test_principal_components_are_those_of_scikit_learn(tmp_path):
    from sklearn.decomposition import PCA

    job = job_of("components", tmp_path)
    result = fit(job)
    pictures = Digits().simulate(Digits.Options(kind="digits"), 0, 1)[0].inputs["picture"].column.values
    rows = pictures[:480].reshape(480, -1).astype(np.float64)
    reference = PCA(5, svd_solver="full").fit(rows[:320])
    missed = reference.inverse_transform(reference.transform(rows[320:])) - rows[320:]
    assert result.last_val_loss == pytest.approx((missed**2).mean(), rel=1e-4)
    assert load_manifest(job.manifest).n_samples("val") == 160


def test_wiener_s_filter_leaves_pictures_without_noise_alone(tmp_path):
    assert fit(job_of("wiener", tmp_path)).last_val_loss < 1e-10
