"""What a batch job of `scheduler.py` does where its work is pretended: make the files that its rules promise.

The command that Snakemake wanted to be run comes on the standard input, with its jobs as `rule:wildcard=value,...`.
"""

import re
import sys
import time
from pathlib import Path

SECONDS = 1.0
TARGET = re.compile(r"\b(simulate|prepare|manifest|observables|train|evaluate|report_study|report):([\w=,-]*)")
OUTPUTS = {
    "simulate": ("results/{study}/raw/shard-{shard}.h5", "results/{study}/raw/shard-{shard}.timing.json"),
    "prepare": tuple(f"results/{{study}}/dataset/{split}-{{shard}}.h5" for split in ("train", "val", "test")),
    "manifest": ("results/{study}/dataset/manifest.json",),
    "observables": ("results/{study}/evaluation/data.json",),
    "train": ("results/{study}/models/{model}/runs.json",),
    "evaluate": tuple(f"results/{{study}}/evaluation/{{model}}/{name}" for name in ("predictions.h5", "metrics.json")),
    "report_study": tuple(f"results/report/{{study}}/{n}" for n in ("index.html", "claims.json", "provenance.json")),
    "report": tuple(f"results/report/{name}" for name in ("index.html", "tables/claims.csv", "provenance.json")),
}
BENCHMARKS = {
    **dict.fromkeys(("simulate", "prepare"), ("{study}", "shard-{shard}")),
    **dict.fromkeys(("train", "evaluate"), ("{study}", "{model}")),
    "report": (),
}
ORDER = list(OUTPUTS)

jobs = {(rule, wildcards) for rule, wildcards in TARGET.findall(sys.stdin.read())}
if not jobs:
    sys.exit("the command names no job that is known")
time.sleep(SECONDS)
for rule, wildcards in sorted(jobs, key=lambda job: (ORDER.index(job[0]), job[1])):
    values = dict(pair.split("=") for pair in wildcards.split(",") if pair)
    benchmark = "/".join(("results/benchmarks", rule, *BENCHMARKS.get(rule, ("{study}",)))) + ".tsv"
    for pattern in (*OUTPUTS[rule], benchmark):
        path = Path(pattern.format(**values))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rule)
