"""The workflow with its fork server and without: the same files, honest benchmarks, and nobody left after a kill."""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def make_place(curve, folder: Path, fork_server: str, **training) -> Path:
    """A checkout with one small study."""
    assert shutil.which("bevatron", path=f"{Path(sys.executable).parent}"), "the package is not installed"
    (folder / "config/studies").mkdir(parents=True)
    for part in ("Snakefile", "workflow", "profiles"):
        (folder / part).symlink_to(ROOT / part)
    settings = {"studies": ["curve"], "accelerator": "cpu", "fork_server": fork_server}
    (folder / "config/config.yaml").write_text(yaml.safe_dump(settings))
    study = json.loads(curve.study.model_dump_json())
    study["models"]["net"]["training"].update(training)
    (folder / "config/studies/curve.yaml").write_text(yaml.safe_dump(study))
    return folder


def start(place: Path, *arguments: str, **how) -> subprocess.Popen:
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} | how
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--profile", "profiles/local", "--cores", "2", *arguments],
        cwd=place, env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                        "BEVATRON_TEST_PLACE": str(place)}, **how,
    )  # fmt: skip


def processes_of(place: Path) -> list[psutil.Process]:
    """All that the workflow in this place has started and that still run."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("BEVATRON_TEST_PLACE") == str(place) and process.status() != "zombie":
                found.append(process)
    return found


def is_template(process: psutil.Process) -> bool:
    """Whether forks of this process do the work; a fork has its command line, and another name."""
    with suppress(psutil.Error):
        return "fork_server.template" in " ".join(process.cmdline()) and not process.name().startswith(
            ("bevatron", "ray")
        )
    return False


def template_of(place: Path) -> psutil.Process:
    return next(filter(is_template, processes_of(place)))


def test_results_are_the_same_with_the_server_and_without(curve, tmp_path):
    from injection.settled import fingerprint

    prints = []
    for choice in ("auto", "off"):
        place = make_place(curve, tmp_path / choice, choice)
        log, used = tmp_path / f"{choice}.log", False
        with log.open("w") as file, start(place, stdout=file) as snakemake:
            while snakemake.poll() is None:
                used = used or any(map(is_template, processes_of(place)))
                time.sleep(0.2)
        assert snakemake.returncode == 0, log.read_text()
        assert used == (choice == "auto")
        files = sorted(path for path in (place / "results").rglob("*") if path.is_file())
        files = [path for path in files if path.parts[len(place.parts) + 1] != "benchmarks" and path.name[0] != "."]
        prints.append({str(path.relative_to(place)): fingerprint(path) for path in files})
        assert "fork server" not in "".join(path.read_text() for path in (place / "logs").rglob("*.log"))
        benchmark = (place / "results/benchmarks/train/curve/net.tsv").read_text()
        (row,) = csv.DictReader(benchmark.splitlines(), delimiter="\t")
        assert float(row["max_rss"]) > 150  # PyTorch's, not a waiting client's
        assert not processes_of(place)
    assert prints[0] == prints[1]
    assert any(name.endswith("weights.safetensors") for name in prints[0])


def test_a_killed_snakemake_leaves_nothing_and_is_run_again(curve, tmp_path):
    place = make_place(curve, tmp_path / "place", "auto", epochs=900, checkpoint_seconds=0.2)
    snakemake = start(place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((place / "runs").glob("*/chunk-*.ckpt.sha256")) and snakemake.poll() is None:
        time.sleep(0.05)
    assert snakemake.poll() is None
    assert template_of(place).children()
    snakemake.kill()
    snakemake.wait()
    end = time.monotonic() + 40
    while processes_of(place) and time.monotonic() < end:
        time.sleep(0.1)
    assert not processes_of(place)
    assert not (place / "results/curve/models/net/runs.json").exists()
    with start(place, "--unlock") as unlock:
        unlock.wait()
    with start(place) as again:
        output = again.stdout.read()
        assert again.wait() == 0, output
    (run, *_) = json.loads((place / "results/curve/models/net/runs.json").read_text())["runs"]
    assert run["continued"] >= 1


def test_killed_clients_are_killed_jobs(curve, tmp_path):
    """A job whose process is killed fails, and Snakemake runs it again if asked to."""
    place = make_place(curve, tmp_path / "place", "auto", epochs=600, checkpoint_seconds=0.2)
    snakemake = start(place, "--retries", "1")
    while not list((place / "runs").glob("*/chunk-*.ckpt.sha256")) and snakemake.poll() is None:
        time.sleep(0.05)
    assert template_of(place).children()
    clients = [p for p in processes_of(place) if "train" in p.cmdline() and p.parent().pid == snakemake.pid]
    assert len(clients) == 1
    clients[0].kill()
    output, _ = snakemake.communicate()
    assert snakemake.returncode == 0, output
    assert "Trying to restart job" in output
