"""What Snakemake's graph costs: a dry run of 10,000 shards, the grid of 21 networks, a search of 1,000 trials, and
trainings on 64 nodes × 8 GPUs.

    python benchmarks/graph.py [--shards 10000]

Everything of the workflow that runs before the first job is submitted: configuration, rules, the graph with its groups
and resources. Printed and returned: jobs, seconds (of wall and CPU time) and peak memory of the Snakemake process.
"""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import yaml

ROOT = Path(__file__).parents[1]
TRIALS, NODES, GPUS = 1000, 64, 8
SEARCHED = "feedforward_all"


def main(shards: int = 10_000, trials: int = TRIALS) -> list[dict]:
    """One row: name, jobs, seconds of wall and of CPU time, peak memory in MB."""
    with tempfile.TemporaryDirectory() as name:
        place = workflow_of(Path(name), shards, trials)
        command = [
            sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "all",
            "--config", "scale=paper", "studies=[jets]",
        ]  # fmt: skip
        before = perf_counter()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command, cwd=place, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
        seconds = perf_counter() - before
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    counts = dict(re.findall(r"^(\w+)\s+(\d+)\s*$", done.stdout + done.stderr, re.MULTILINE))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    megabytes, cpu = used.ru_maxrss / 1024, used.ru_utime + used.ru_stime
    print(f"{int(counts['total']):,} jobs {counts}: {seconds:.1f} s ({cpu:.1f} s of CPU), {megabytes:,.0f} MB")
    name = f"dry run of {shards:,} shards"
    return [{"name": name, "jobs": int(counts["total"]), "seconds": seconds, "cpu": cpu, "megabytes": megabytes}]


def workflow_of(folder: Path, shards: int, trials: int) -> Path:
    """A copy of the workflow whose jets study has this size."""
    place = folder / "workflow-copy"
    place.mkdir()
    for part in ("Snakefile", "workflow", "config", "profiles"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / part)
    study = place / "config" / "studies" / "jets.yaml"
    tree = yaml.safe_load(study.read_text(encoding="utf-8"))
    tree["simulation"]["shards"] = shards
    search = {"trials": trials, "gpus_per_trial": 1, "workers_per_trial": 1}
    tree["scales"]["paper"] = {"models": {SEARCHED: {"search": search}}}
    study.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    table = place / "config" / "resources.yaml"
    resources = yaml.safe_load(table.read_text(encoding="utf-8"))
    needs = {"nodes": NODES, "gpus": GPUS, "cpus": 64, "memory_gb": 200}
    resources["overrides"] = {f"jets/{SEARCHED}": {"search": needs, "train": needs}}
    table.write_text(yaml.safe_dump(resources, sort_keys=False), encoding="utf-8")
    return place


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=10_000)
    main(parser.parse_args().shards)
