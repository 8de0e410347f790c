"""What small fits of each kind come to: another result with the same settings needs another LEARNING_VERSION.

The one place in which numbers are copied from our own output: not whether they are right is asked, but whether they are
what they were. They hold on any processor, whose instructions move the last digits alone.
"""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from digit_jobs import job_of

from bevatron.config.loading.identity import LEARNING_VERSION
from bevatron.config.sections.workflow import DataLoading
from bevatron.training.fit import fit
from bevatron.training.job import FitJob

VERSION = 2  # of the numbers below
RULES = {"training__optimiser": "sgd", "training__momentum": 0.9, "training__balance": "batches"}
COURSE = {
    "training__optimiser": "adamw", "training__weight_decay": 0.01, "training__schedule": "cosine",
    "training__gradient_clip": 0.5, "training__balance": "weights", "training__batch_size": 64,
    "architecture__dropout": 0.3,
}  # fmt: skip
FEW = {"training__class_ratio": {"light": 3, "charm": 2, "beauty": 2}, "training__sample_order": "alternating"}
TRANSFORMER = {"architecture": {"kind": "transformer", "width": 8, "heads": 2, "blocks": 1}}
SETS = {"architecture": {"kind": "deep_sets", "element_widths": [8], "widths": [8]}}
LISTS = {
    "adam": ("net", {}),
    "course": ("net", COURSE),
    "balanced sgd": ("net", RULES),
    "class_ratio": ("net", FEW),
    "full batch": ("net", {"training__batch_size": "full", "training__epochs": 6}),
    "streamed": ("net", {}),
    "lstm": ("lstm", {}),
    "transformer": ("lstm", TRANSFORMER),
    "deep sets": ("lstm", SETS),
    "class_subset": ("beauty_or_charm", {}),
    "trees": ("trees", {}),
    "fisher": ("fisher", {}),
}
IMAGES = ("fgsm", "pgd", "augmented", "gan", "autoencoder", "components")
LOSSES = {
    "adam": (0.802552, 0.752205),
    "course": (0.94666, 0.848241),
    "balanced sgd": (0.879768, 0.825192),
    "class_ratio": (0.856659, 0.820336),
    "full batch": (1.08082, 0.964315),
    "streamed": (0.801817, 0.756024),
    "lstm": (0.681742, 0.695386),
    "transformer": (0.683064, 0.717669),
    "deep sets": (0.829257, 0.766094),
    "class_subset": (0.638652, 0.669675),
    "trees": (0.654752, 0.78495),
    "fisher": (0.875881, 0.875136),
    "fgsm": (1.71145, 1.52308),
    "pgd": (1.69939, 1.51158),
    "augmented": (2.29388, 2.25393),
    "gan": (2.03812, 2.00691),
    "autoencoder": (0.0984726, 0.096139),
    "components": (0.0283093, 0.0336006),
}
"""Training and validation loss of the last round."""


def losses(job: FitJob) -> tuple[float, float]:
    fit(job)
    with (Path(job.folder) / "history.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    return float(last["train_loss"]), float(last["val_loss"])


def check(name: str, job: FitJob) -> None:
    found = losses(job)
    print(f'"{name}": ({found[0]:.6g}, {found[1]:.6g}),')
    assert found == pytest.approx(LOSSES[name], rel=1e-4), (
        f"the fit '{name}' gives another result than before: raise LEARNING_VERSION in config/identity.py, so that "
        f"nobody's older runs are taken for new ones, and put VERSION and the losses of all kinds here right"
    )


def test_the_numbers_are_those_of_this_version():
    assert LEARNING_VERSION == VERSION, "put the losses of all kinds here right, and VERSION"


@pytest.mark.parametrize("name", LISTS)
def test_a_fit_of_lists_comes_to_what_it_came_to_before(name, flavours, tmp_path):
    model, values = LISTS[name]
    job = flavours.job(tmp_path, model, **values)
    if name == "streamed":
        job = replace(job, data_loading=DataLoading(memory_budget_gb=1e-5, block_rows=100, buffer_blocks=2))
    check(name, job)


@pytest.mark.parametrize("kind", IMAGES)
def test_a_fit_of_images_comes_to_what_it_came_to_before(kind, tmp_path):
    check(kind, job_of(kind, tmp_path))
