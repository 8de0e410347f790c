"""All ready studies at once, by Snakemake in one folder: left out by name, run, and idle when asked again."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from study_files import WRITERS
from study_runs import demo

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "config/config.yaml", "config/lectures.yaml", "config/course")
PARTS += ("config/resources.yaml",)
HERE = ["jetclass", "quark_gluon", "higgsml", "microboone"]  # ROOT, NPZ, a text with means over all shards, HDF5 lists
ALL = ("--config", f"studies=[{','.join(WRITERS)}]")  # none of them is listed in config.yaml


def snakemake(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--cores", "2", *arguments, *ALL]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    return done.stdout + done.stderr


def small(name: str) -> str:
    """The study's file as the other tests run it, with one epoch."""
    study = demo(name)
    (model,) = study.models
    study = study.model_copy(update={"models": {model: study.models[model].with_values({"training.epochs": 1})}})
    return yaml.safe_dump(json.loads(study.model_dump_json()), sort_keys=False)


@pytest.mark.slow
def test_all_at_once_are_left_out_run_and_then_idle(tmp_path):
    for part in PARTS:
        source = ROOT / part
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)
    (tmp_path / "config" / "studies").mkdir()
    for name in WRITERS:
        (tmp_path / "config" / "studies" / f"{name}.yaml").write_text(small(name))
    text = snakemake(tmp_path, "-n")
    assert re.findall(r"^study (\w+) is left out: .*data/", text, re.M) == list(WRITERS)
    assert "no study is left to run" in text
    for name in HERE:  # one of each format: the other tests run all of them, in one process
        WRITERS[name](tmp_path / "data" / name)
    text = snakemake(tmp_path)
    assert "(100%) done" in text, text
    others = [name for name in WRITERS if name not in HERE]
    assert re.findall(r"^study (\w+) is left out: .*", text, re.M) == others
    ledger = (tmp_path / "results" / "report" / "index.html").read_text()
    assert all(f"data/{name}/" in ledger for name in others)
    for name in HERE:
        assert (tmp_path / "results" / "report" / name / "index.html").is_file()
        assert f"data/{name}/" not in ledger
    assert "Nothing to be done" in snakemake(tmp_path)
