"""The whole row on a small study, through Snakemake: complete, idle when asked again, and told only of what changed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ONE_STUDY = ("--config", "studies=[curve]")


@pytest.fixture(scope="module")
def place(curve, tmp_path_factory):
    """A checkout whose only study is a small one, with a search and a claim."""
    folder = tmp_path_factory.mktemp("row")
    for part in ("Snakefile", "workflow", "profiles"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / part)
    (folder / "config" / "studies").mkdir(parents=True)
    # the command line asks for one of the studies listed, so the other need not exist
    (folder / "config" / "config.yaml").write_text("studies: [curve, elsewhere]\naccelerator: cpu\n")
    tree = json.loads(curve.study.model_dump_json())
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 0.001, "high": 0.1}}
    searched = {**tree["models"]["net"], "title": "searched", "search": {"space": space, "trials": 3, "epochs": 2}}
    tree["models"]["searched"] = searched
    reference = {"model": "net", "metric": "relative_deviation"}
    tree["claims"] = [
        {
            "id": "does_not_fit",
            "statement": "Six epochs do not fit.",
            "source": "this test",
            "test": {"kind": "above", "metric": reference, "threshold": 0.01},
        }
    ]
    write(folder, tree)
    return folder


def write(folder: Path, tree: dict) -> None:
    (folder / "config" / "studies" / "curve.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))


def study(folder: Path) -> dict:
    tree = yaml.safe_load((folder / "config" / "studies" / "curve.yaml").read_text())
    return json.loads(json.dumps(tree))  # YAML's anchors give one object several places


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--cores", "2", *arguments, *ONE_STUDY]


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def snakemake(folder: Path, *arguments: str) -> str:
    done = subprocess.run(command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def jobs(text: str) -> set[str]:
    """Rules that a dry run plans."""
    return set(re.findall(r"^(?:local)?rule (\w+):$", text, re.M)) - {"all"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_row_survives_its_master_and_reruns_only_what_changed(place):
    # Snakemake and all its jobs are killed in the midst of a search or training; then it is simply run again.
    first = subprocess.Popen(
        command(), cwd=place, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    while not any((place / "runs").glob("*/*")) and first.poll() is None:
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert not (place / "results" / "report").exists()
    snakemake(place, "--unlock")
    snakemake(place)

    page = (place / "results" / "report" / "index.html").read_text()
    assert "A parabola" in page
    assert "Six epochs do not fit." in page
    verdicts = (place / "results" / "report" / "tables" / "claims.csv").read_text()
    assert "does_not_fit,reproduced" in verdicts
    assert "1:16:1" in (place / "results" / "report" / "curve" / "index.html").read_text()
    log = (place / "logs" / "search" / "curve" / "searched.log").read_text()
    assert re.search(r"Ray dashboard: http://127\.0\.0\.1:\d+ .*ssh -L", log)

    assert "Nothing to be done" in snakemake(place)

    tree = study(place)
    tree["claims"][0]["test"]["threshold"] = 0.02
    write(place, tree)
    assert jobs(snakemake(place, "-n")) == {"report_study", "report"}

    tree["evaluation"]["bootstrap"] = 50
    write(place, tree)
    assert jobs(snakemake(place, "-n")) == {"evaluate", "observables", "report_study", "report"}

    tree["models"]["net"]["training"]["learning_rate"] = 0.02
    write(place, tree)
    assert "train" in jobs(snakemake(place, "-n"))
    assert not {"simulate", "prepare", "search"} & jobs(snakemake(place, "-n"))

    tree["simulation"]["shards"] = 2
    write(place, tree)
    plan = snakemake(place, "-n")
    assert "results/curve/raw/shard-0001.h5" in plan
    assert not re.search(r"output: results/curve/raw/shard-0000\.h5", plan)


@pytest.mark.slow
def test_snakemake_makes_its_own_report(place):
    if not (place / "results" / "report" / "index.html").exists():
        pytest.skip("the pipeline did not run: see the other test")
    write(place, study(place) | {"simulation": study(place)["simulation"] | {"shards": 1}})
    snakemake(place, "--report", "report.html")
    text = (place / "report.html").read_text()
    for words in ("Searches", "Tables", "The ledger of claims"):
        assert words in text
