"""All benchmarks, each in several processes, and `benchmarks/RESULTS.md` written from them.

    python benchmarks/run.py [--processes 3] [--jets 1000000]

Within a process, ours and the reference take turns; between processes the same case varies by up to 25 %, as memory is
laid out again, so the table gives the median over the processes and the range. Run it on a machine that does nothing
else. The exit code is 1 if a median misses what is required of it.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent
PACKAGES = ("torch", "pytorch-lightning", "ray", "h5py", "hdf5plugin", "numpy")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=3, help="processes for each benchmark")
    parser.add_argument("--jets", type=int, default=1_000_000, help="training samples of the readers and the fit")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        benchmarks = {
            "readers": f"main({arguments.jets}, Path({folder!r}) / 'jets')",
            "sparse_images": f"main(folder=Path({folder!r}) / 'images')",
            "fit": f"main({arguments.jets}, Path({folder!r}))",
            "search_overhead": "main()",
            "command_line": "main()",
            "small_jobs": "main()",
            "manifest": "main()",
            "evaluation": "main()",
            "jets_chain": "main()",
            "transport": "main()",
            "image_delivery": "main()",
        }
        found: dict[str, list[dict]] = {}
        for module, call in benchmarks.items():
            for _ in range(arguments.processes):
                for row in in_a_process(module, call):
                    found.setdefault(row["name"], []).append(row)
                    print(json.dumps(row), flush=True)
    lines = [summary(name, rows) for name, rows in found.items()]
    (HERE / "RESULTS.md").write_text(page(lines, arguments), encoding="utf-8")
    print((HERE / "RESULTS.md").read_text(encoding="utf-8"))
    return 0 if all(line["met"] for line in lines) else 1


def in_a_process(module: str, call: str) -> list[dict]:
    code = f"import json; from pathlib import Path; from {module} import main; print('ROWS', json.dumps({call}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HERE, stdout=subprocess.PIPE, text=True, check=True)
    (rows,) = [line.removeprefix("ROWS ") for line in done.stdout.splitlines() if line.startswith("ROWS ")]
    return json.loads(rows)


def summary(name: str, rows: list[dict]) -> dict:
    if "limit" in rows[0]:
        seconds = [row["seconds"] for row in rows]
        middle, limit, unit = median(seconds), rows[0]["limit"], rows[0].get("unit", "s")
        cells = ("", "", f"**{middle:.3f} {unit}** ({min(seconds):.3f} to {max(seconds):.3f})", f"≤ {limit} {unit}")
        return {"name": name, "cells": cells, "met": middle <= limit}
    ratios = [row["ratio"] for row in rows]
    ours, reference = (f"{median(row[key] for row in rows):,.0f}" for key in ("ours", "reference"))
    middle, required = median(ratios), rows[0]["required"]
    cells = (ours, reference, f"**{middle:.2f}** ({min(ratios):.2f} to {max(ratios):.2f})", f"≥ {required}")
    return {"name": name, "cells": cells, "met": middle >= required}


def page(lines: list[dict], arguments: argparse.Namespace) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    table = [
        f"| {line['name']} | {' | '.join(line['cells'])} | {'yes' if line['met'] else '**no**'} |" for line in lines
    ]
    return f"""# Benchmarks

Written by `make bench` on {date.today().isoformat()}.

{machine()}. Python {platform.python_version()}, {packages}. {arguments.processes} processes for each
benchmark; the median over them, and the range. {arguments.jets:,} jets of 1.76 kB for the readers and the fit.

| benchmark | ours (1/s) | reference (1/s) | ratio, or time | required | met |
|---|---|---|---|---|---|
{chr(10).join(table)}

What is compared, and how, stands at the head of each script:

- `readers.py`: shuffled batches from memory against `torch.index_select(out=...)` on the same tensors; shuffled
  batches from lz4-compressed shards against h5py's `read_direct` of the same shards in file order.
- `sparse_images.py`: images of 288 × 288 from sparse shards, made dense, against lz4-compressed dense HDF5.
- `fit.py`: jets/s of a fit as the product makes it (Lightning, history, TensorBoard, best weights and checkpoints)
  against a bare PyTorch loop over slices with the same network.
- `peers.py`, which is run by itself: readers and trainings of ATLAS salt, in an environment of its own, beside ours.
- `gpu.py`, which is run by itself, on a GPU: the reader's part of AlexNet's training with a profile, the jets' MLP as a
  CUDA graph, and networks of several seeds side by side.
- `search_overhead.py`: wall time of a search of one-worker trials of two epochs, less the training steps.
- `command_line.py`: `bevatron --help` as a process.
- `small_jobs.py`: core-seconds of a small training and its evaluation, by the workflow's fork server and by hand.
- `manifest.py`: the manifest of 10,000 shards, beside reading them: time and peak memory; and whether the files a
  second fall with the number of files.
- `evaluation.py`: predictions.h5 and metrics.json of 3 million test samples, 5 seeds and 200 replicas by event, against
  the part of 15 min and 2 GB that 10 million may take (at least 1 GB).
- `jets_chain.py`: a shard of jets, simulated and prepared, against a bare loop of Pythia's `nextBatch` over as many
  events of the same processes; the fraction of the time inside Pythia; two shards at once on two cores against one.
- `transport.py`: electrons and muons of 500 MeV through liquid argon on one core, against the rates required.
- `two_workers.py`, which is run by itself: two workers (DDP over loopback) on two cores against one worker on one, on
  the same global batches.
- `lists.py`, which is run by itself: training of the networks over lists against that of an older commit, at 4 of 15
  elements on average and at full lists.
- `faults.py` and `training_time.py`, which are run by themselves: faults counted, and what kills cost, in `FAULTS.md`.
- `slurm_faults.py`, as root: the same on a real Slurm of virtual nodes, with the ratio of a two-node training.
"""


def machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(models) or '?'} cores of {models[0] if models else platform.processor() or 'unknown'}, no GPU used"


if __name__ == "__main__":
    sys.exit(main())
