"""Small fits of scikit-learn's digits: one of each kind of learning over dense images."""

from dataclasses import replace

import numpy as np
from shard_attributes import shard_attributes

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.simulate.sources.digits import Digits
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard
from bevatron.training.job import FitJob

CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
FIT = {"epochs": 4, "batch_size": 32, "learning_rate": 0.003, "checkpoint": "last", "checkpoint_seconds": 1e-9}
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
        {"beta1": 0.5},
    ),
    "autoencoder": (
        {"kind": "reconstruction", "target": "clean"},
        {"kind": "convolutional_autoencoder", "latent": 4, "channels": [4, 4]},
        {},
    ),
    "components": ({"kind": "reconstruction", "target": "clean"}, {"kind": "principal_components", "latent": 5}, {}),
    "wiener": ({"kind": "reconstruction", "target": "clean"}, {"kind": "wiener"}, {}),
}


def job_of(kind, folder, accelerator="cpu"):
    """A job that fits a network of this kind, over a dataset that is written into `folder`."""
    task, architecture, training = KINDS[kind]
    study = Study.model_validate(
        {
            "name": "digits_fit",
            "title": "Digits",
            "summary": "Digits.",
            "simulation": {"source": {"kind": "digits"}, "shards": 1, "seed": 1},
            "dataset": {"recipe": {"kind": "images"}},
            "task": task,
            "models": {
                "net": {
                    "title": kind,
                    "inputs": ["image"],
                    "normalise": "none",
                    "architecture": architecture,
                    "training": {**FIT, **training},
                }
            },
        }
    )
    attributes = shard_attributes(study, "digits", CLASSES if task["kind"] != "reconstruction" else [])
    whole = Digits().simulate(Digits.Options(kind="digits"), 0, 1)[0]
    for start, (split, n) in zip((0, 320, 480), {"train": 320, "val": 160, "test": 160}.items(), strict=True):
        part = whole.take(np.arange(start, start + n))
        clean = part.inputs["image"].column.values
        write_shard(
            folder / "data" / f"{split}-0000.h5", replace(part, targets=part.targets | {"clean": clean}), attributes
        )
    write_manifest(folder / "data" / "manifest.json", build_manifest(folder / "data", study))
    manifest = folder / "data" / "manifest.json"
    return FitJob(study, study.models["net"], manifest, 0, folder / "fit", DataLoading(), accelerator)
