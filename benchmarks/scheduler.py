"""The scheduler at size: Snakemake submits a large workflow through the profile `cluster` to a real Slurm.

    python benchmarks/scheduler.py [--shards 2000] [--trainings 200] [--per-job 20] [--at-once 64] [--real]

As root, with `apt-get install slurm-wlm munge`. The Slurm is started for it (tests/cluster/virtual_slurm.py): munge, a
controller, and 64 virtual nodes on this host, each with 64 cores and 8 pretended GPUs. A study with so many shards and
so many small models, each training asking for a GPU, goes through `snakemake --profile cluster`.

Slurm, Snakemake, its plugin, the batch scripts' submission and their end are real. Without --real a batch job's command
is replaced when it is submitted: by one that makes the files its rules promise, and sleeps a second. It is the batch
jobs' own work that is pretended then, the Snakemake that each of them starts included; two cores cannot do that for
thousands of jobs. With --real they do all of it: choose small numbers. `--at-once` is how many of them run at a time (a
Slurm licence), so that the others wait in Slurm's queue, as they do on a cluster that is full.

Measured: submissions and status queries (their number, how long each takes, how many a second); CPU time and memory of
Snakemake; what a job waits for Snakemake, from the end of the last job whose files it needs until it is submitted;
what a job waits in Slurm's queue; jobs that failed. Times of jobs are those of Slurm's records, in whole seconds.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import mean, median

import psutil

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "cluster"))

from checkout import Checkout  # noqa: E402
from virtual_slurm import COMMANDS, SYSTEM_PATH, VirtualSlurm, missing  # noqa: E402

CPUS, GPUS, MEMORY_MB = 64, 8, 250_000
PRETENDED = HERE / "pretended_batch_job.py"
HOURS = 3.0  # after which it has failed
# Notes when a command of Slurm's began and ended; sbatch also replaces what the batch job does, if that is pretended.
WRAPPER = """\
#!/bin/sh
export SLURM_CONF={conf}
began=$(date +%s.%N)
{replace}{program} "$@"
code=$?
echo "{name} $began $(date +%s.%N)" >> {calls}
exit $code
"""
REPLACE = """\
for argument; do
  shift
  case "$argument" in
    --wrap=*) argument="--wrap={python} -S {pretended} <<'END_OF_THE_COMMAND'
$argument
END_OF_THE_COMMAND" ;;
  esac
  set -- "$@" "$argument"
done
"""


@dataclass(frozen=True)
class Job:
    """A batch job in Slurm's records; times in seconds since 1970."""

    rule: str
    about: str
    state: str
    submitted: float
    started: float
    ended: float


def main(
    shards: int = 2000,
    trainings: int = 200,
    per_job: int = 20,
    at_once: int = 64,
    real: bool = False,
    nodes: int = 64,
) -> list[dict]:
    """One row of all that was measured."""
    if reason := missing():
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory(prefix="sc", dir="/tmp") as name:  # a short name, for Slurm's sockets
        slurm = VirtualSlurm(Path(name) / "s", nodes, CPUS, GPUS, MEMORY_MB)
        _limit_running_jobs(slurm, at_once)
        calls = Path(name) / "calls"
        _count_calls(slurm, calls, real)
        with slurm:
            place = Checkout(Path(name) / "w", slurm, {"accelerator": "cpu"}, site(per_job), study(shards, trainings))
            seconds, cpu, megabytes, code = _run(place)
            jobs = [_job(record) for record in slurm.jobs(str(place.folder))]
        row = _row(jobs, calls.read_text().splitlines(), seconds, cpu, megabytes, code)
        if code:
            print((place.folder / "snakemake.log").read_text()[-4000:])
    what = "with their own commands" if real else "whose work is pretended"
    row = {"name": f"{shards:,} shards, {per_job} a job, {trainings} trainings, {what}, {at_once} at once", **row}
    for key, value in row.items():
        print(f"{key}: {value}")
    return [row]


def study(shards: int, trainings: int) -> dict:
    """Tiny shards, and models that differ in nothing but their names."""
    model = {
        "title": "net",
        "inputs": ["x"],
        "architecture": {"kind": "mlp", "widths": [4]},
        "training": {"epochs": 1, "batch_size": 100, "learning_rate": 0.01},
    }
    return {
        "name": "large",
        "title": "A large study",
        "summary": "y = x² with noise.",
        "simulation": {"source": {"kind": "function", "train": 100, "val": 50, "test": 50}, "shards": shards},
        "dataset": {"recipe": {"kind": "function", "noise": {"y": 5.0}}},
        "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
        "n_seeds": 1,
        "models": {f"net_{number}": model for number in range(trainings)},
    }


def site(per_job: int) -> dict:
    """A site that takes all jobs at once; trainings and evaluations ask for a GPU."""
    return {
        "partition": "virtual",
        "jobs": 10_000,
        "sbatch": ["--licenses=running"],
        "status_command": "squeue",
        "resources": {
            "rules": {rule: {"gpus": 1, "memory_gb": 8} for rule in ("train", "evaluate")},
            "shards": {"per_job": per_job},
        },
    }


def _limit_running_jobs(slurm: VirtualSlurm, at_once: int) -> None:
    with slurm.conf.open("a") as file:
        file.write(f"Licenses=running:{at_once}\nMaxJobCount=20000\n")


def _count_calls(slurm: VirtualSlurm, calls: Path, real: bool) -> None:
    for name in COMMANDS:
        replace = REPLACE.format(python=sys.executable, pretended=PRETENDED) if name == "sbatch" and not real else ""
        program = next(f"{folder}/{name}" for folder in SYSTEM_PATH.split(":") if Path(folder, name).exists())
        text = WRAPPER.format(conf=slurm.conf, replace=replace, program=program, name=name, calls=calls)
        (slurm.root / "bin" / name).write_text(text)


def _run(place: Checkout) -> tuple[float, float, float, int]:
    """Snakemake to its end: seconds of wall and of CPU time (its children's too), peak memory in MB, exit code."""
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/cluster"]
    with (place.folder / "snakemake.log").open("w") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=place.folder, env=place.slurm.environment(), stdout=log, stderr=log, start_new_session=True
        )
        watched, cpu, peak, told = psutil.Process(process.pid), 0.0, 0.0, began
        while process.poll() is None:
            with suppress(psutil.Error):
                cpu = sum(watched.cpu_times()[:4])
                peak = max(peak, watched.memory_info().rss / 1e6)
            if time.monotonic() - began > 3600 * HOURS:
                process.kill()
            if time.monotonic() - told > 30:
                told = time.monotonic()
                done = re.findall(r"\d+ of \d+ steps", (place.folder / "snakemake.log").read_text())
                print(f"{told - began:.0f} s: {done[-1] if done else 'nothing done'}", file=sys.stderr, flush=True)
            time.sleep(0.2)
        return time.monotonic() - began, cpu, peak, process.returncode


def _job(record: dict[str, str]) -> Job:
    comment = record.get("Comment", "").removeprefix("rule_")
    rule, _, about = comment.partition("_wildcards_")
    times = [_seconds(record[f"{name}Time"]) for name in ("Submit", "Start", "End")]
    return Job(rule, about, record["JobState"], *times)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if text[0].isdigit() else 0.0


def _row(jobs: list[Job], calls: list[str], seconds: float, cpu: float, megabytes: float, code: int) -> dict:
    times: dict[str, list[tuple[float, float]]] = {}
    for line in calls:
        name, began, ended = line.split()
        times.setdefault(name, []).append((float(began), float(ended)))
    sbatch, queries = times.get("sbatch", []), [t for name in ("squeue", "sacct") for t in times.get(name, [])]
    first = [began for began, _ in sbatch]
    shards = [job for job in jobs if job.rule.startswith("shards") or "shards" in job.rule]
    submitting = sorted(first)[: len(shards)]
    waits = _waits_for_snakemake(jobs)
    row = {
        "exit code": code,
        "batch jobs": len(jobs),
        "states": {state: sum(job.state == state for job in jobs) for state in sorted({job.state for job in jobs})},
        "seconds": round(seconds, 1),
        "core-seconds of Snakemake and its calls": round(cpu, 1),
        "memory of Snakemake, MB": round(megabytes),
        "submissions": len(sbatch),
        "seconds a submission": _spread([ended - began for began, ended in sbatch]),
        "submissions of shards a second": round((len(submitting) - 1) / max(1e-9, submitting[-1] - submitting[0]), 2),
        "status queries": len(queries),
        "seconds a status query": _spread([ended - began for began, ended in queries]),
        "seconds between status queries": round(seconds / max(1, len(queries)), 1),
        "other calls": {name: len(found) for name, found in times.items() if name not in ("sbatch", "squeue", "sacct")},
        "seconds in Slurm's queue": _spread([job.started - job.submitted for job in jobs if job.started]),
    }
    return row | {f"seconds that {name} waits for Snakemake": _spread(found) for name, found in waits.items()}


def _waits_for_snakemake(jobs: list[Job]) -> dict[str, list[float]]:
    """By rule, for each job the time from the end of those that it needs until it was submitted."""
    by_rule: dict[str, list[Job]] = {}
    for job in jobs:
        by_rule.setdefault("shards" if "shards" in job.rule else job.rule, []).append(job)
    ready = max((job.ended for job in by_rule.get("shards", [])), default=0.0)
    manifest = max((job.ended for job in by_rule.get("manifest", [])), default=0.0)
    trained = {job.about: job.ended for job in by_rule.get("train", [])}
    return {
        "manifest": [job.submitted - ready for job in by_rule.get("manifest", [])],
        "train": [job.submitted - manifest for job in by_rule.get("train", [])],
        "evaluate": [job.submitted - trained[job.about] for job in by_rule.get("evaluate", []) if job.about in trained],
    }


def _spread(values: list[float]) -> str:
    if not values:
        return "none"
    return f"{median(values):.3g} (mean {mean(values):.3g}, at most {max(values):.3g})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=2000)
    parser.add_argument("--trainings", type=int, default=200)
    parser.add_argument("--per-job", type=int, default=20, help="shards of one batch job")
    parser.add_argument("--at-once", type=int, default=64, help="batch jobs that Slurm runs at a time")
    parser.add_argument("--real", action="store_true", help="batch jobs do their work")
    parser.add_argument("--nodes", type=int, default=64, help="virtual nodes")
    main(**vars(parser.parse_args()))
