"""A study of somebody's own files through Snakemake: as many shards as the files make, and sums over all of them."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_checkout import make_checkout, run_snakemake

from bevatron.store.shards.manifest import load_manifest

ROOT = Path(__file__).parents[2]
STUDY = """\
name: mine
title: Mine
summary: Files of my own.
simulation:
  source:
    kind: table
    files: ["data/*.csv"]
    shard_mb: 0.02
    groups: {jet: {features: [pt, mass]}}
    targets: {flavour: {classes: {light: flavour == 0, beauty: flavour == 5}}}
    missing: {jet.mass: {policy: mean}}
dataset:
  recipe: {kind: table}
  balance: {method: resample, bins: {jet.pt: [30.0, 50.0]}}
task: {kind: classification, target: flavour, classes: [light, beauty], signal: beauty}
models:
  net: {title: net, inputs: [jet], architecture: {kind: mlp, widths: [4]}, training: {epochs: 1}}
"""


@pytest.fixture
def place(tmp_path):
    make_checkout(tmp_path, {"mine": STUDY})
    (tmp_path / "data").mkdir()
    for number, flavour in enumerate((0, 5)):
        write(tmp_path, number, flavour)
    return tmp_path


def write(folder: Path, number: int, flavour: int) -> None:
    draw = np.random.default_rng(number)
    pt, mass = 20 + draw.exponential(20 + 5 * flavour, 600), draw.normal(size=600)
    mass[:50] = np.nan
    frame = pd.DataFrame({"pt": pt, "mass": mass, "flavour": flavour})
    frame.to_csv(folder / "data" / f"jets {number}.csv", index=False)  # a blank in the name


def run(folder: Path) -> set[str]:
    """The rules that ran to make the manifest, with the number of their jobs."""
    words = run_snakemake(folder, "results/mine/dataset/manifest.json")
    return set(re.findall(r"^(?:local)?rule (\w+):$", words, re.M))


@pytest.mark.slow
def test_from_files_to_a_balanced_dataset_and_again_with_one_more(place):
    assert run(place) == {"simulate", "totals", "prepare", "manifest"}
    manifest = load_manifest(place / "results" / "mine" / "dataset" / "manifest.json")
    assert len(manifest.splits["train"]) == 2
    counts = manifest.class_counts("train")
    assert min(counts.values()) > 200
    assert abs(counts["light"] - counts["beauty"]) < 5 * np.sqrt(counts["light"])
    first = json.loads((place / "results" / "mine" / "totals.json").read_text())
    assert run(place) == set()

    write(place, 2, 0)
    assert run(place) == {"simulate", "totals", "prepare", "manifest"}
    second = json.loads((place / "results" / "mine" / "totals.json").read_text())
    assert np.sum(second["balance"][1]) > np.sum(first["balance"][1]) + 300
    assert len(load_manifest(place / "results" / "mine" / "dataset" / "manifest.json").splits["train"]) == 3
