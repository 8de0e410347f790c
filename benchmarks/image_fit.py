"""A fit of the course's convolutional network as the product makes it against a bare PyTorch loop, in turns.

    python benchmarks/image_fit.py [--images 6000]

As `benchmarks/fit.py`, but over images of 28 × 28 pixels (random ones: the time does not depend on what they show),
with two 5 × 5 convolutions, each with a 2 × 2 pool, and two fully connected layers. Epochs alternate and medians are
compared.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from readers import row, show

from bevatron.config.loading.code_versions import version_attributes
from bevatron.config.loading.identity import dataset_digest, raw_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, Group, Samples
from bevatron.store.shards.manifest import load_manifest, write_manifest
from bevatron.store.shards.shard import write_shard
from bevatron.training.fit import fit, initial_network
from bevatron.training.job import FitJob

EPOCHS, BATCH, REQUIRED = 6, 128, 0.9
CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
NETWORK = {"kind": "convolutional", "kernel": 5, "channels": [32, 64], "pool_after": [1, 2], "widths": [512]}
TRAINING = {"epochs": EPOCHS, "batch_size": BATCH, "threads": 2, "checkpoint_seconds": 30.0}
STUDY = {
    "name": "images",
    "title": "Images",
    "summary": "Images.",
    "simulation": {"source": {"kind": "digits"}, "shards": 1, "seed": 1},
    "dataset": {"recipe": {"kind": "images"}},
    "task": {"kind": "classification", "target": "label", "classes": CLASSES, "signal": "eight"},
    "models": {"cnn": {"title": "CNN", "inputs": ["image"], "architecture": NETWORK, "training": TRAINING}},
}


def main(images: int = 6_000) -> list[dict]:
    """One row: name, ours and reference in images/s, their ratio, and the ratio required."""
    study = Study.model_validate(STUDY)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        manifest = _written(folder / "data", study, images)
        job = FitJob(study, study.models["cnn"], manifest, 0, folder / "fit", DataLoading(), "cpu")
        return [_compared(job)]


def _written(folder: Path, study: Study, images: int) -> Path:
    random = np.random.default_rng(0)
    attributes = {
        "study": study.name,
        "source": "digits",
        "versions": {"generator": "1"},
        "shard": 0,
        "classes": CLASSES,
    }
    attributes |= {"digest": dataset_digest(study), "raw_digest": raw_digest(study), **version_attributes(study)}
    for k, (split, n) in enumerate({"train": images, "val": 256, "test": 256}.items()):
        values = random.random((n, 1, 28, 28), np.float32)
        samples = Samples(
            {"image": Group(Dense(values), ("grey",), ("",))},
            {"label": random.integers(0, 10, n)},
            np.arange(n, dtype=np.uint64) + np.uint64(k * 10_000_000),
        )
        write_shard(folder / f"{split}-0000.h5", samples, attributes)
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return folder / "manifest.json"


def _compared(job: FitJob) -> dict:
    with open_split(job.manifest_path, "train", batch_size="full") as reader:
        batch = next(iter(reader.epoch(0, 0, shuffle=False)))
        inputs, labels = batch["inputs"]["image"].clone(), batch["targets"]["label"].clone()
    network = initial_network(job, load_manifest(job.manifest_path))
    optimiser = torch.optim.Adam(network.parameters(), lr=job.model.training.learning_rate, fused=True)

    def bare_epoch() -> float:
        with torch.enable_grad():  # it is called from within Lightning's validation
            start = perf_counter()
            for first in range(0, len(labels), BATCH):
                part = slice(first, first + BATCH)
                loss = torch.nn.functional.cross_entropy(network({"image": inputs[part]}), labels[part])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
            return perf_counter() - start

    ours: list[float] = []
    reference: list[float] = []
    last = 0.0

    def after_an_epoch(_: dict) -> None:
        nonlocal last
        if last:
            ours.append(perf_counter() - last)
        reference.append(bare_epoch())
        last = perf_counter()

    fit(job, after_an_epoch)
    n = len(labels)
    return row(f"fit of images, batch {BATCH}", n / median(ours), n / median(reference[1:]), REQUIRED)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=6_000, help="training images")
    show(main(parser.parse_args().images), "images")
