"""Readers and trainings of peers beside ours, in turns, each in an environment of its own.

    python benchmarks/peers.py [--only NAME ...] [--jets 1000000] [--lists 100000] [--job-jets 20000] [--turns 5]
                               [--folder FOLDER] [--environments FOLDER]

The peer is ATLAS salt (`salt-ml` with `atlas-ftag-tools`, from PyPI, without its pin of torch: with the torch that is
used here). What runs in its environment is a script of its own, `peers/salt_side.py`. It writes the same jets in its
own format and then answers: an epoch of its loader, or of a training, for each line. A second peer is one more entry of
`PEERS` and one more such script.

- read: shuffled batches of jets with 16 features and 15 places for tracks of 28 features. Ours from memory (as
  `open_split` chooses for a split of this size) and, below, from disk; both are held to what is required.
- mlp: training of 436-128-128-64-3 with two threads, real logging, checkpoints, and a validation for each epoch.
- transformer: the same with one thread of an encoder over 4 tracks on average of at most 15, of width 32, with 4 heads,
  1 block, 64 units of feedforward. salt joins the features of the jet to each track, adds a register to each list and
  pools by attention; ours joins the features of the jet to the mean over the tracks.

A second peer is weaver (`weaver-core` from PyPI), which is compared by whole jobs: from a ROOT file to a network
after ten epochs, an MLP and a transformer; see `peers_whole_job.py`.

salt shuffles whole batches of neighbours, ours single jets. It is taken at the faster of 0 and 2 worker processes,
without torch.compile, in the default arithmetic of its command line. It is used outside its best case: it is made for
GPUs, many worker processes and large models, and two CPU cores are neither.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from jets_dataset import benchmark_study, make_jets, make_lists
from peers_whole_job import BATCH, THREADS, compare_jobs
from readers import row, show

from bevatron.config.sections.model import Model
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.readers.reader import open_split
from bevatron.store.readers.split import describe
from bevatron.store.readers.streaming import StreamingReader
from bevatron.training.fit import fit
from bevatron.training.job import FitJob

HERE = Path(__file__).parent
WORKERS = (0, 2)
MLP = {"kind": "mlp", "widths": [128, 128, 64]}
TRANSFORMER = {"kind": "transformer", "width": 32, "heads": 4, "blocks": 1, "feedforward": 64, "widths": [64]}


@dataclass(frozen=True)
class Peer:
    """A peer's packages, those that it needs beside them (torch is ours), and its script in `peers`, if it has one."""

    packages: tuple[str, ...]
    needs: tuple[str, ...]
    script: str = ""


PEERS = {
    "salt": Peer(
        ("salt-ml==0.13.0", "atlas-ftag-tools==0.3.6"),
        (
            "lightning==2.6.1", "torchmetrics==1.8.2", "lion-pytorch", "h5py", "hdf5plugin", "numpy", "scipy",
            "pandas", "PyYAML", "requests", "filelock", "rich", "tqdm", "tensorboard",
        ),
        "salt_side.py",
    ),
    "weaver": Peer(
        ("weaver-core==0.5.3",),
        (
            "awkward", "awkward0", "lz4", "matplotlib", "numba", "numexpr", "numpy", "pandas", "pyarrow", "PyYAML",
            "scikit-learn", "scipy", "tables", "tqdm", "uproot", "vector", "xxhash", "wcwidth", "tensorboard",
        ),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """What is asked of the ratio to a peer, and what is compared."""

    what: str
    batch_size: int
    required: float
    threads: int = 1
    peer: str = "salt"


COMPARISONS = {
    "read-1000": Comparison("read", 1000, 5.0),
    "read-5000": Comparison("read", 5000, 4.0),
    "mlp-1000": Comparison("mlp", 1000, 1.8, threads=2),
    "mlp-5000": Comparison("mlp", 5000, 1.65, threads=2),
    "transformer-1000": Comparison("transformer", 1000, 1.4),
    "job-mlp": Comparison("mlp", BATCH, 2.0, THREADS, peer="weaver"),
    "job-transformer": Comparison("transformer", BATCH, 2.0, THREADS, peer="weaver"),
}


@dataclass(frozen=True)
class Data:
    """A dataset of ours and the same in a peer's format."""

    manifest: Path
    of_peer: Path


def main(
    names: list[str],
    jets: int = 1_000_000,
    lists: int = 100_000,
    job_jets: int = 20_000,
    turns: int = 5,
    folder: Path | None = None,
    environments: Path | None = None,
) -> list[dict]:
    """Rows for each comparison and peer: name, ours and the peer's samples/s, their ratio, and the ratio required."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        kept = Path(folder or temporary)
        for name, peer in PEERS.items():
            asked = [COMPARISONS[n] for n in names if COMPARISONS[n].peer == name]
            if not asked:
                continue
            python = make_environment(peer, Path(environments or temporary) / name)
            for comparison in asked:
                if name == "weaver":
                    rows += compare_jobs(comparison.what, job_jets, turns, Path(temporary), python, comparison.required)
                    continue
                data = make_data(comparison, name, peer, python, kept, jets, lists)
                workers = [Turns(python, peer, comparison, data, n) for n in WORKERS]
                try:
                    compare = compare_readers if comparison.what == "read" else compare_trainings
                    rows += compare(name, comparison, data, workers, turns)
                finally:
                    for worker in workers:
                        worker.close()
    return rows


def make_environment(peer: Peer, folder: Path) -> Path:
    """The Python of a virtual environment with the peer in it; one that was made before is kept."""
    python, made = folder / "bin" / "python", folder / "made"
    if not made.is_file():
        venv.create(folder)
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        torch_here = f"torch=={torch.__version__.partition('+')[0]}"
        subprocess.run([*install, torch_here, *peer.needs], check=True)
        subprocess.run([*install, "--no-deps", *peer.packages], check=True)
        made.touch()
    return python


def make_data(comparison: Comparison, name: str, peer: Peer, python: Path, folder: Path, jets: int, lists: int) -> Data:
    as_lists = comparison.what == "transformer"
    manifest = make_lists(folder / "lists", lists) if as_lists else make_jets(folder / "jets", jets)
    of_peer = manifest.parent / f"{name}.h5"
    if not of_peer.is_file():
        part = of_peer.with_name(f"part-{of_peer.name}")
        run_there(python, [str(HERE / "peers" / peer.script), "write", str(manifest.parent), str(part)])
        part.with_suffix(".yaml").rename(of_peer.with_suffix(".yaml"))
        part.rename(of_peer)
    return Data(manifest, of_peer)


def run_there(python: Path, command: list[str]) -> None:
    subprocess.run([str(python), *command], check=True, env=clean_environment())


def clean_environment() -> dict[str, str]:
    """Without ours: the peer shall find its own packages alone."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


class Turns:
    """A process of a peer that reads or trains one more epoch when it is asked to."""

    def __init__(self, python: Path, peer: Peer, comparison: Comparison, data: Data, workers: int):
        self.workers, self.rates = workers, []
        command = [str(python), str(HERE / "peers" / peer.script), comparison.what, str(data.of_peer)]
        command += ["--batch-size", str(comparison.batch_size), "--workers", str(workers)]
        command += ["--threads", str(comparison.threads)]
        self._process = subprocess.Popen(
            command, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._read("ready")

    def epoch(self) -> None:
        """One more epoch; its samples/s is the last of `rates`."""
        assert self._process.stdin
        print("epoch", file=self._process.stdin, flush=True)
        samples, seconds = self._read("").split()
        self.rates.append(int(samples) / float(seconds))

    def _read(self, expected: str) -> str:
        assert self._process.stdout
        for line in self._process.stdout:
            if line.strip() == expected or (not expected and line.strip()):
                return line
        raise RuntimeError(f"the peer ended with exit code {self._process.wait()}")

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def compare_readers(name: str, comparison: Comparison, data: Data, peers: list[Turns], turns: int) -> list[dict]:
    torch.set_num_threads(comparison.threads)
    size, rows = comparison.batch_size, []
    readers = {
        "memory": open_split(data.manifest, "train", batch_size=size, memory_budget_bytes=1e12, partitions=64),
        "disk": StreamingReader(describe(data.manifest, "train"), size, 16_000, 8, 4e9, partitions=64),
    }
    rates: dict[str, list[float]] = {place: [] for place in readers}
    for turn in range(turns + 1):
        for place, reader in readers.items():
            start = perf_counter()
            for _ in reader.epoch(1, turn):
                pass
            rates[place].append(reader.n_samples / (perf_counter() - start))
        for peer in peers:
            peer.epoch()
    for place, reader in readers.items():
        reader.close()
        rows.append(result(f"read from {place}, batch {size}, against {name}", rates[place], peers, comparison))
    return rows


def compare_trainings(name: str, comparison: Comparison, data: Data, peers: list[Turns], turns: int) -> list[dict]:
    """Epochs alternate within the process of our fit, which waits for the peer's after each of its own."""
    model = Model.model_validate(
        {
            "title": comparison.what,
            "inputs": ["jets", "tracks"],
            "normalise": "standard",  # as the peer has it
            "architecture": MLP if comparison.what == "mlp" else TRANSFORMER,
            "training": {
                "epochs": turns + 2,
                "batch_size": comparison.batch_size,
                "threads": comparison.threads,
            },
        }
    )
    rates: list[float] = []
    last = 0.0
    with tempfile.TemporaryDirectory() as live:
        job = FitJob(benchmark_study("jets", 4, 1), model, data.manifest, 0, Path(live), DataLoading(), "cpu")
        n = len(describe(data.manifest, "train"))

        def after_an_epoch(_: dict) -> None:
            nonlocal last
            if last:
                rates.append(n / (perf_counter() - last))
            for peer in peers:
                peer.epoch()
            last = perf_counter()

        fit(job, after_an_epoch)
    return [result(f"{comparison.what}, batch {comparison.batch_size}, against {name}", rates, peers, comparison)]


def result(name: str, ours: list[float], peers: list[Turns], comparison: Comparison) -> dict:
    """Medians without the first turn; the peer at its better number of workers."""
    best = max(peers, key=lambda peer: median(peer.rates[1:]))
    theirs = ", ".join(f"{median(peer.rates[1:]):,.0f} by {peer.workers} workers" for peer in peers)
    print(f"{name}, samples/s: {median(ours[1:]):,.0f}; {theirs}", file=sys.stderr, flush=True)
    return row(name, median(ours[1:]), median(best.rates[1:]), comparison.required)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(COMPARISONS), default=list(COMPARISONS))
    parser.add_argument("--jets", type=int, default=1_000_000, help="training samples of the readers and the MLP")
    parser.add_argument("--lists", type=int, default=100_000, help="training samples of the transformer")
    parser.add_argument("--job-jets", type=int, default=20_000, help="jets of the whole jobs")
    parser.add_argument("--turns", type=int, default=5, help="epochs of each that count")
    parser.add_argument("--folder", type=Path, help="where the datasets are kept and found again; absent: temporary")
    parser.add_argument("--environments", type=Path, help="the same for the peers' environments")
    arguments = parser.parse_args()
    options = arguments.jets, arguments.lists, arguments.job_jets, arguments.turns
    show(main(arguments.only, *options, arguments.folder, arguments.environments), "samples, or jobs an hour,")
