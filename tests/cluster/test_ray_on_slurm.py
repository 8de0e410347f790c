"""Ray over the nodes of a real batch job, whose shell knows no more of Slurm than a rule's does."""

import json
import os
import re
import shlex
import sys
from pathlib import Path

import pytest
from clusters import DRIVER, at_work_in, folders_of, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

# Snakemake's job step leaves a rule only these of Slurm's variables.
AS_IN_A_RULE = "unset $(env | grep -o '^SLURM_[A-Z_]*' | grep -v '^SLURM_JOB_ID$\\|^SLURM_SUBMIT_HOST$')"


def submit(slurm, folder: Path, command: list[str], *options: str) -> str:
    """The id of a job that runs a Python program in `folder`, as the batch step of a rule for several nodes does."""
    folder.mkdir(exist_ok=True)
    script = f"{AS_IN_A_RULE}; exec {shlex.join([sys.executable, *command])}"
    job = ["sbatch", "--parsable", f"--chdir={folder}", "--output=out", "--error=err", "--no-requeue", "--time=10"]
    return slurm.ask(*job, *options, f"--wrap={script}").strip()


TWO_NODES = ("--nodes=2", "--ntasks-per-node=1", "--cpus-per-task=2", "--gpus-per-node=1", "--mem=3000M")


def ended(slurm, job: str) -> bool:
    return slurm.ask("squeue", "-h", "-j", job, "-o", "%T").strip() not in ("PENDING", "RUNNING", "COMPLETING")


def facts(folder: Path) -> dict | None:
    lines = [line for line in (folder / "out").read_text().splitlines() if line.startswith("{")]
    return json.loads(lines[0]) if lines else None


def folders_at_work(job: str) -> set[str]:
    import psutil

    return {folder for folder in folders_of(list(psutil.process_iter())) if f"/bv-{job}-" in folder}


def test_a_cluster_has_exactly_what_the_job_has_and_leaves_nothing(slurm, tmp_path):
    folder = tmp_path / "leave"
    job = submit(slurm, folder, [str(DRIVER), str(folder), "leave"], *TWO_NODES)
    slurm.wait_until(lambda: ended(slurm, job), f"job {job} ends", 200)
    seen = facts(folder)
    assert seen is not None, (folder / "err").read_text()
    assert seen["nodes"] == seen["worked_on"] == ["node1", "node2"]
    assert (seen["cpus"], seen["gpus"]) == (4.0, 2.0)
    assert (folder / "err").read_text() == ""
    for node in ("node1", "node2"):
        metrics = (folder / "ray" / "metrics" / f"{node}.prom").read_text()
        assert re.search(r"^ray_\w+", metrics, re.MULTILINE)
    assert not folders_at_work(job)
    assert not (folder / "ray" / "token").exists()
    assert not (folder / "ray" / "logs").exists()


def test_a_cancelled_job_leaves_nothing(slurm, tmp_path):
    folder = tmp_path / "stay"
    job = submit(slurm, folder, [str(DRIVER), str(folder), "stay"], *TWO_NODES)
    slurm.wait_until(lambda: (folder / "out").exists() and facts(folder) is not None, f"job {job} runs", 200)
    folders = folders_at_work(job)
    assert len(folders) == 2
    slurm.ask("scancel", job)
    slurm.wait_until(lambda: ended(slurm, job), f"job {job} ends", 60)
    assert wait_until(lambda: not at_work_in(folders), 10), at_work_in(folders)
    # its process is the last to end, and no longer part of the job
    assert wait_until(lambda: not any(os.path.exists(folder) for folder in folders), 20)
    assert not (folder / "ray" / "token").exists()


def test_a_job_with_another_number_of_nodes_is_told_so(slurm, tmp_path):
    job = submit(slurm, tmp_path, [str(DRIVER), str(tmp_path), "leave"], "--nodes=1", "--mem=1000M")
    slurm.wait_until(lambda: ended(slurm, job), f"job {job} ends", 100)
    assert f"batch job {job}: 2 nodes were asked for and it has 1 (node" in (tmp_path / "err").read_text()


def test_the_time_that_is_left_is_slurms(slurm, tmp_path):
    program = "from bevatron.compute.slurm.deadline import seconds_left; print(seconds_left())"
    job = submit(slurm, tmp_path, ["-c", program], "--mem=1000M", "--time=2")
    slurm.wait_until(lambda: ended(slurm, job), f"job {job} ends", 100)
    assert 60 < float((tmp_path / "out").read_text()) <= 120
