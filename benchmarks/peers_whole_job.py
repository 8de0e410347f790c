"""The whole job of `peers.py` against weaver: from a ROOT file to a network that was trained for ten epochs.

Each job is made of whole processes, with all their starts and imports. Ours are the commands `simulate`, `prepare`,
`manifest` and `train` for one file of JetClass's layout (`table_files.py`), one after the other. weaver's is its one
command, with the network of `peers/weaver_network.py`, which has the same layers and widths, and the data
configuration `peers/weaver_data.yaml`, which has the same features. Both take 80 % of the jets to learn from and 18
or 20 % for the validation of each epoch, Adam, batches of 500 and two threads. weaver is taken at the faster of two
ways to load: the whole file in memory once (`--in-memory`), which suits a small file best, by one or by two worker
processes.

weaver is used outside its best case: it is made for GPUs, many worker processes and files larger than memory, and for
large networks, for which the time of its loader does not count.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import yaml
from readers import row
from table_files import make_file, study_settings

HERE = Path(__file__).parent
EPOCHS, BATCH, THREADS = 10, 500, 2
NETWORKS = {
    "mlp": {"kind": "mlp", "widths": [128, 128, 64]},
    "transformer": {"kind": "transformer", "width": 32, "heads": 4, "blocks": 1, "feedforward": 64, "widths": [64]},
}


def compare_jobs(what: str, jets: int, turns: int, folder: Path, python: Path, required: float) -> list[dict]:
    """Two rows: jobs an hour of ours and of weaver, in turns, medians; by the clock, and by the cores' time."""
    path = make_file(folder / f"jets-{jets}.root", jets)
    ours, theirs = [], {1: [], 2: []}
    for turn in range(turns):
        ours.append(spent(lambda made: run_ours(what, path, jets, made), folder / f"ours-{what}-{turn}"))
        for workers, found in theirs.items():
            made = folder / f"weaver-{what}-{turn}-{workers}"
            found.append(spent(lambda m, w=workers: run_weaver(what, path, jets, m, python, w), made))
    print(f"whole job, {what}, seconds and those of cores: ours {ours}, weaver by workers {theirs}", file=sys.stderr)
    rows = []
    for key, name in enumerate(("", " (time of cores)")):
        mine = median(turn[key] for turn in ours)
        best = min(median(turn[key] for turn in found) for found in theirs.values())
        rows.append(row(f"job of {jets} jets to {what}, against weaver{name}", 3600 / mine, 3600 / best, required))
    return rows


def spent(job: Callable[[Path], None], folder: Path) -> tuple[float, float]:
    """Seconds that pass, and seconds of cores that the job's processes take."""
    start, before = perf_counter(), cores()
    job(folder)
    return perf_counter() - start, cores() - before


def cores() -> float:
    """Seconds of cores of all processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_ours(what: str, path: Path, jets: int, folder: Path) -> None:
    """From the file to the trained network, by our commands."""
    studies = folder / "config" / "studies"
    studies.mkdir(parents=True)
    settings = study_settings(path, jets, 1)
    settings["dataset"]["split"] = {"train": 0.8, "val": 0.18, "test": 0.02}
    settings["n_seeds"] = 1
    training = {"epochs": EPOCHS, "batch_size": BATCH, "threads": THREADS}
    net = {"title": what, "inputs": ["jet", "particles"], "architecture": NETWORKS[what], "training": training}
    settings["models"] = {"net": net}
    (studies / "table.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    workflow = {"studies": ["table"], "scale": "paper", "accelerator": "cpu", "runs_dir": str(folder / "runs")}
    (studies.parent / "config.yaml").write_text(yaml.safe_dump(workflow))
    raw, dataset = folder / "raw" / "shard-0000.h5", folder / "dataset"
    for command in (
        ["simulate", "table", "--shard", "0", "--output", str(raw)],
        ["prepare", "table", "--raw", str(raw), "--output", str(dataset)],
        ["manifest", "table", "--dataset", str(dataset)],
        ["train", "table", "net", "--manifest", str(dataset / "manifest.json"), "--output", str(folder / "net")],
    ):
        program = [sys.executable, "-c", "from bevatron.cli import main; main()", *command]
        with (folder / "log.txt").open("a") as log:
            subprocess.run(program, check=True, cwd=folder, stdout=log, stderr=log)


def run_weaver(what: str, path: Path, jets: int, folder: Path, python: Path, workers: int) -> None:
    """weaver's command."""
    folder.mkdir(parents=True)
    train, val = int(0.8 * jets) // BATCH, int(0.2 * jets) // BATCH
    options: dict[str, object] = {
        "run-mode": "train,val", "data-train": path, "data-config": HERE / "peers" / "weaver_data.yaml",
        "network-config": HERE / "peers" / "weaver_network.py", "model-prefix": folder / "net", "num-epochs": EPOCHS,
        "batch-size": BATCH, "start-lr": 1e-3, "optimizer": "Adam", "lr-scheduler": "none", "num-workers": workers,
        "fetch-step": 1, "steps-per-epoch": train, "steps-per-epoch-val": val, "gpus": "",
    }  # fmt: skip
    command = [str(python), "-m", "weaver.train", "--in-memory", "-o", "architecture", f"'{what}'"]
    command += [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment["OMP_NUM_THREADS"] = str(THREADS)
    with (folder / "log.txt").open("w") as log:
        subprocess.run(command, check=True, cwd=folder, env=environment, stdout=log, stderr=log)
