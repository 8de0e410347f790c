"""What a dry run costs Snakemake itself: the smallest workflow of as many jobs and files as `graph.py`'s.

    python benchmarks/bare_graph.py [--shards 10000]

Two rules for each shard and a manifest of all, with the files that ours have and no function, no configuration and no
plugin. First nothing but inputs, outputs and a shell line; then also what every rule of ours has: log, benchmark,
group, threads, and a parameter and resources that are constants. Printed and returned: jobs and CPU seconds of each.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

RESOURCES = 16  # of one of our shards' jobs, Snakemake's own and the executor's
WORKFLOW = """
SHARDS = [f"{{number:04d}}" for number in range({shards})]
SPLITS = ["train", "val", "test"]

rule manifest:
    input: expand("results/dataset/{{split}}-{{shard}}.h5", split=SPLITS, shard=SHARDS)
    output: "results/dataset/manifest.json"
    shell: "touch {{output}}"

rule simulate:
    output: shard="results/raw/shard-{{shard}}.h5", timing="results/raw/shard-{{shard}}.timing.json"
    {simulate}
    shell: "simulate --shard {{wildcards.shard}} --output {{output.shard}}"

rule prepare:
    input: raw="results/raw/shard-{{shard}}.h5"
    output: expand("results/dataset/{{split}}-{{{{shard}}}}.h5", split=SPLITS)
    {prepare}
    shell: "prepare --raw {{input.raw}}"
"""
ENTRIES = """log: "logs/{rule}/shard-{{shard}}.log"
    benchmark: "results/benchmarks/{rule}/shard-{{shard}}.tsv"
    group: "shards"
    threads: 1
    resources: {resources}
    params: options=["--config", "config.yaml"]"""


def main(shards: int = 10_000) -> list[dict]:
    """A row for each workflow: name, jobs, seconds of CPU time, peak memory in MB."""
    constants = ", ".join(f"r{number}={number}" for number in range(RESOURCES))
    entries = {rule: ENTRIES.format(rule=rule, resources=constants) for rule in ("simulate", "prepare")}
    return [
        _dry_run(f"bare dry run of {shards:,} shards", WORKFLOW.format(shards=shards, simulate="", prepare="")),
        _dry_run(f"the same with all entries of our rules, constant, {shards:,} shards",
                 WORKFLOW.format(shards=shards, **entries)),
    ]  # fmt: skip


def _dry_run(name: str, workflow: str) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Snakefile").write_text(workflow, encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", "--cores", "all"]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = process.stdout.read() if process.stdout is not None else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(said[-2000:])
    jobs = re.findall(r"^total\s+(\d+)\s*$", said, re.MULTILINE)[-1]
    row = {"name": name, "jobs": int(jobs), "cpu": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}
    print(f"{name}: {row['jobs']:,} jobs, {row['cpu']:.1f} s of CPU, {row['megabytes']:,.0f} MB", flush=True)
    return row


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=10_000)
    main(parser.parse_args().shards)
