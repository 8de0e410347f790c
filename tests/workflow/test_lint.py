"""`snakemake --lint` over the rules that are read only where a study needs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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
    for part in ("Snakefile", "workflow", "profiles"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text(f"studies: [{', '.join(MORE)}]\n")
    for name, more in MORE.items():
        text = yaml.safe_dump({"name": name} | yaml.safe_load(STUDY) | more, sort_keys=False)
        (tmp_path / "config" / "studies" / f"{name}.yaml").write_text(text)
    (tmp_path / "a.csv").write_text("pt,y,event\n" + "".join(f"{k},{k % 2},{k}\n" for k in range(20)))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "snakemake", "--lint"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Congratulations" in done.stdout + done.stderr
