"""Scores of a ROOT file by `bevatron apply`, against reading the same branches and asking the bare network.

    python benchmarks/apply.py [--jets 200000] [--turns 5] [--models mlp deep_sets transformer] [--folder FOLDER]

The file and the study are those of `table_files.py`, a jet with 30 to 60 particles of 16 branches, without what only
the labels need. Models: a network over six numbers of the jet; deep sets and a transformer over the particles. They
are trained for one epoch on a small file, as only their sizes count here.

Ours is the command as a process: it reads, computes the features, checks them, scores, and writes a ROOT file. The
reference is a process too: `uproot.iterate` over the same branches, the lists flattened and put side by side without
any formula, and the network on batches of as many jets, with one thread; it writes nothing and looks at nothing. Both
import PyTorch. Allowed is 1.5 times the reference: of the time that passes, and, as a second row, of the seconds of
cores. The two run in turns, `--turns` times; the median counts. Peak memory of both is printed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

REQUIRED = 1 / 1.5
TRAINING = 2_000  # jets
MODELS = {
    "mlp": {"inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [128, 128]}},
    "deep_sets": {"inputs": ["jet", "particles"], "architecture": {"kind": "deep_sets"}},
    "transformer": {"inputs": ["jet", "particles"], "architecture": {"kind": "transformer"}},
}


def main(jets: int, turns: int, models: list[str], folder: Path | None = None) -> list[dict]:
    """Two rows for each model: jets/s of both, by the clock and by the cores' time."""
    from readers import row
    from table_files import make_file

    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(folder or temporary).resolve()
        file, small = make_file(place / f"jets-{jets}.root", jets), make_file(place / f"jets-{TRAINING}.root", TRAINING)
        for name in models:
            model = train(small, name, place)
            output = place / f"scores-{name}.root"
            ours = [sys.executable, "-m", "bevatron", "apply", str(model), str(file), "--output", str(output)]
            ours += ["--overwrite", "--seed", "0"]
            theirs = [sys.executable, __file__, "--bare", str(model), "--file", str(file)]
            times = [(spend(ours), spend(theirs)) for _ in range(turns)]
            for which, words in enumerate(("apply", "apply, by the cores' time")):
                mine, other = (median(turn[side][which] for turn in times) for side in (0, 1))
                rows.append(row(f"{words}: {name}", jets / mine, jets / other, REQUIRED))
            memory = [max(turn[side][2] for turn in times) for side in (0, 1)]
            print(f"{name}: peak memory {memory[0]:.2f} GB, reference {memory[1]:.2f} GB", file=sys.stderr)
    return rows


def spend(command: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock, seconds of cores, and GB at the peak, of a process."""
    start = perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command[:4]} ended with {status}")
    process.returncode = 0
    return perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


def train(file: Path, name: str, place: Path) -> Path:
    """The folder of a model, trained for an epoch."""
    from table_files import study_settings

    from bevatron.config.sections.study import Study
    from bevatron.config.sections.workflow import Workflow
    from bevatron.prepare.stage import prepare_shard, write_manifest
    from bevatron.simulate.stage import simulate_shard
    from bevatron.train.stage import train_model

    model = {"title": name, "training": {"epochs": 1}, **MODELS[name]}
    study = Study.model_validate(study_settings(file, TRAINING, 1) | {"models": {name: model}, "n_seeds": 1})
    dataset, folder = place / name / "dataset", place / name / "model"
    simulate_shard(study, 0, place / name / "raw.h5")
    prepare_shard(study, place / name / "raw.h5", dataset)
    write_manifest(study, dataset)
    workflow = Workflow(studies=["table"], runs_dir=str(place / name / "runs"), accelerator="cpu")
    train_model(study, workflow, name, dataset / "manifest.json", None, folder)
    return folder


def bare(model: Path, file: Path) -> None:
    """Reading and the network, and nothing else."""
    import awkward as ak
    import numpy as np
    import torch
    import uproot

    from bevatron.models.network import load_network
    from bevatron.store.readers.batch import RaggedBatch

    network, rows = load_network(model / "seed-0"), 2_048
    torch.set_num_threads(1)
    groups = network.spec.inputs
    numbers = [f"jet_{name}" for name in ("pt", "eta", "energy", "sdmass", "tau1", "tau2", "tau3")]
    parts = ("px", "py", "energy", "deta", "dphi", "d0val", "d0err", "dzval", "dzerr", "charge")
    lists = [f"part_{name}" for name in parts]
    lists += [f"part_is{name}" for name in ("ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon")]
    branches = numbers + (lists if "particles" in groups else [])
    n_scored = 0
    for step in uproot.iterate({str(file): "tree"}, branches, step_size="100 MB"):
        jet = torch.from_numpy(
            np.column_stack([ak.to_numpy(step[name]) for name in numbers[: len(groups["jet"].features)]])
        )
        if "particles" in groups:
            flat = [ak.to_numpy(ak.flatten(step[name])).astype(np.float32, copy=False) for name in lists]
            flat += flat[: len(groups["particles"].features) - len(flat)]
            values, lengths = (
                torch.from_numpy(np.column_stack(flat)),
                torch.from_numpy(ak.to_numpy(ak.num(step[lists[0]]))),
            )
            ends = np.concatenate([[0], np.cumsum(lengths.numpy())])
        with torch.inference_mode():
            for start in range(0, len(jet), rows):
                inputs = {"jet": jet[start : start + rows]}
                if "particles" in groups:
                    stop = min(start + rows, len(jet))
                    inputs["particles"] = RaggedBatch(values[ends[start] : ends[stop]], lengths[start:stop])
                n_scored += len(network(inputs).numpy())
    print(f"{n_scored:,} jets", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jets", type=int, default=200_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--folder", type=Path, help="where the files are kept and found again; absent: temporary")
    for name in ("bare", "file"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        bare(arguments.bare, arguments.file)
    else:
        from readers import show

        show(main(arguments.jets, arguments.turns, arguments.models, arguments.folder), "jets")
