"""`snakemake --lint` over the rules that are read only where a study needs them."""

from pathlib import Path

import pytest
import yaml
from small_checkout import make_checkout, run_snakemake

ROOT = Path(__file__).parents[2]
STUDY = """
title: Mine
summary: Mine
simulation:
  source:
    kind: table
    files: [a.csv]
    id: event
    groups: {jet: {features: [pt]}}
    targets: {y: {classes: {light: y == 0, beauty: y == 1}}}
dataset: {recipe: {kind: table}}
task: {kind: classification, target: y, classes: [light, beauty], signal: beauty}
models:
  net: {title: net, inputs: [jet], architecture: {kind: mlp, widths: [4]}, training: {epochs: 1}}
apply: {new: {files: [a.csv]}}
"""
MORE = {
    "folded": {"dataset": {"recipe": {"kind": "table"}, "folds": 3}},
    "varied": {"variations": {"up": {"source": {"shift": {"pt": "1.1 * pt"}}}}},
}


@pytest.mark.slow
def test_rules_of_folds_variations_and_scores_have_no_lints(tmp_path):
    studies = {name: {"name": name} | yaml.safe_load(STUDY) | more for name, more in MORE.items()}
    make_checkout(tmp_path, studies)
    (tmp_path / "a.csv").write_text("pt,y,event\n" + "".join(f"{k},{k % 2},{k}\n" for k in range(20)))
    assert "Congratulations" in run_snakemake(tmp_path, "--lint")
