"""Snakemake trains a committee's members first, and hands it their runs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "config")


@pytest.fixture
def checkout(tmp_path):
    """A copy of the workflow whose jets study has two experts and a committee of them."""
    for part in PARTS:
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    path = tmp_path / "config" / "studies" / "jets.yaml"
    tree = yaml.safe_load(path.read_text())
    expert = {"title": "expert", "inputs": ["jet"], "architecture": {"kind": "fisher"}}
    committee = {"kind": "committee", "members": ["second", "first"]}
    tree["models"] = {
        "committee": {"title": "committee", "inputs": ["jet"], "architecture": committee},
        "first": {**expert, "class_subset": ["beauty", "charm"]},
        "second": {**expert, "class_subset": ["charm", "light"]},
    }
    tree.update(scales={}, claims=[], grids={}, evaluation={})
    tree["simulation"]["shards"] = 1
    path.write_text(yaml.safe_dump(tree))
    return tmp_path


@pytest.mark.slow
def test_members_are_trained_first_and_their_runs_are_given(checkout):
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "-n", "-p"]
    target = "results/jets/models/committee/runs.json"
    done = subprocess.run([*command, target], capture_output=True, text=True, cwd=checkout)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    calls = re.findall(r"exec bevatron train jets (\w+) (.*)", text)
    assert {name for name, _ in calls} == {"committee", "first", "second"}
    assert calls[-1][0] == "committee"
    members = [f"--member={name}=results/jets/models/{name}/runs.json" for name in ("second", "first")]
    assert " ".join(members) in calls[-1][1]
    assert "--member" not in calls[0][1] + calls[1][1]
