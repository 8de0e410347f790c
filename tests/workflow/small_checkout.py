"""A copy of the workflow with studies of its own, and Snakemake in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def make_checkout(folder: Path, studies: Mapping[str, str | dict[str, Any]]) -> Path:
    """The workflow in `folder`, which is returned, with these studies: the text of each file, or its content."""
    for part in ("Snakefile", "workflow", "profiles"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    (folder / "config" / "studies").mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text(f"studies: [{', '.join(studies)}]\naccelerator: cpu\n")
    for name, study in studies.items():
        text = study if isinstance(study, str) else yaml.safe_dump(study, sort_keys=False)
        (folder / "config" / "studies" / f"{name}.yaml").write_text(text)
    return folder


def run_snakemake(folder: Path, *arguments: str, succeeds: bool = True) -> str:
    """What Snakemake prints, by the local profile; fails where its success is not the expected one."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--cores", "2", *arguments]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    words = done.stdout + done.stderr
    assert (done.returncode == 0) == succeeds, words
    return words
