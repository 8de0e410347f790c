"""The command line starts fast, and does by hand what a rule does."""

import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "ray", "pythia8mc", "fastjet", "awkward", "matplotlib", "pytorch_lightning", "numpy", "h5py")


def bevatron(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "bevatron.cli", *arguments], capture_output=True, text=True, cwd=cwd)


def test_help_imports_nothing_heavy():
    code = f"import sys, bevatron.cli; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_is_quick_and_names_every_stage():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        done = bevatron("--help")
        times.append(time.perf_counter() - start)
    for stage in ("simulate", "prepare", "search", "train", "evaluate", "report", "inspect", "verify", "validate"):
        assert stage in done.stdout
    assert min(times) < 1.0  # `make bench` holds it to 0.3 s on a quiet machine


def test_the_version_is_that_of_the_package():
    done = bevatron("--version")
    assert done.returncode == 0
    assert done.stdout.split() == [
        "bevatron",
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"],
    ]


def test_the_shipped_configuration_is_valid():
    done = bevatron("validate")
    assert done.returncode == 0, done.stderr
    assert {"function", "jets", "jetclass"} <= set(done.stdout.replace(",", " ").split())


def test_inspect_and_verify_read_what_was_made(curve):
    shard = bevatron("inspect", str(curve.raw)).stdout
    assert "700" in shard or "1200" in shard or "1,200" in shard
    dataset = bevatron("inspect", str(curve.manifest)).stdout
    assert "train" in dataset
    assert bevatron("verify", str(curve.manifest.parent)).stdout.strip().endswith("whole")


def test_no_study_no_machine_path_in_the_manifest(curve):
    text = curve.manifest.read_text()
    assert str(curve.folder) not in text
    assert json.loads(text)["study"] == "curve"
