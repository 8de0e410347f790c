"""A fit as the product makes it against a bare PyTorch loop, in turns within one process.

    python benchmarks/fit.py [--jets 1000000] [--folder FOLDER] [--batches 1000 5000] [--fused]

Ours is `bevatron.training.fit.fit`: Lightning, shuffled batches from the resident reader, history, TensorBoard, best
weights and checkpoints written to disk; its time runs from one validation to the next and so counts all of that. The
reference is a plain loop over slices of the same tensors in memory, in file order, with the same network, loss and
optimiser, and nothing else. Epochs alternate (ours, reference, ours, ...) and medians are compared.

Ours asks PyTorch for the fused implementation of Adam, the reference takes what it gives unasked; with --fused the
reference asks for it as well, and what is left is what ours costs beside its steps, shuffling first of all: 0.95 is
what is asked of it, and not reached at batch 1,000 (`RESULTS.md`).
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
from jets_dataset import benchmark_study, make_jets
from readers import row, show

from bevatron.config.sections.model import Model
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.fit import fit, initial_network
from bevatron.training.job import FitJob

EPOCHS = 6
REQUIRED = {1000: 0.8, 5000: 0.9}
REQUIRED_OF_FUSED = 0.95
WIDTHS = [128, 128, 64]


def main(
    jets: int = 1_000_000,
    folder: Path | None = None,
    fused: bool = False,
    batches: tuple[int, ...] = tuple(REQUIRED),
) -> list[dict]:
    """One row for each batch size: name, ours and reference in jets/s, their ratio, and the ratio required."""
    with tempfile.TemporaryDirectory() as temporary:
        manifest = make_jets(Path(folder or temporary) / "jets", jets)
        return [compare(manifest, size, Path(temporary) / f"fit-{size}", fused) for size in batches]


def compare(manifest: Path, batch_size: int, live: Path, fused: bool) -> dict:
    model = Model.model_validate(
        {
            "title": "feedforward",
            "inputs": ["jets", "tracks"],
            "architecture": {"kind": "mlp", "widths": WIDTHS},
            "training": {"epochs": EPOCHS, "batch_size": batch_size, "threads": 2, "checkpoint_seconds": 2.0},
        }
    )
    study = benchmark_study("jets", 4, 1)
    job = FitJob(study, model, manifest, 0, live, DataLoading(), "cpu")
    bare = BareLoop(job, batch_size, fused)
    seconds: tuple[list[float], list[float]] = ([], [])
    last = [0.0]

    def after_an_epoch(row: dict) -> None:
        now = perf_counter()
        if last[0]:
            seconds[0].append(now - last[0])
        seconds[1].append(bare.epoch())
        last[0] = perf_counter()

    fit(job, after_an_epoch)
    ours, reference = median(seconds[0]), median(seconds[1][1:])
    required = REQUIRED_OF_FUSED if fused else REQUIRED[batch_size]
    return row(f"fit, batch {batch_size}", bare.n / ours, bare.n / reference, required)


class BareLoop:
    """The reference: tensors, a network, a loss, an optimiser, a loop."""

    def __init__(self, job: FitJob, batch_size: int, fused: bool):
        with open_split(job.manifest_path, "train", batch_size="full") as reader:
            batch = next(iter(reader.epoch(0, 0, shuffle=False)))
            self.inputs = {name: values.clone() for name, values in batch["inputs"].items()}
            self.labels = batch["targets"]["flavour"].clone()
        self.n, self.batch_size = len(self.labels), batch_size
        self.network = initial_network(job, load_manifest(job.manifest_path))
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), lr=job.model.training.learning_rate, fused=fused or None
        )

    def epoch(self) -> float:
        """Seconds of one pass."""
        with torch.enable_grad():  # it is called from within Lightning's validation
            start = perf_counter()
            for first in range(0, self.n, self.batch_size):
                part = slice(first, first + self.batch_size)
                outputs = self.network({name: values[part] for name, values in self.inputs.items()})
                loss = torch.nn.functional.cross_entropy(outputs, self.labels[part])
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                self.optimiser.step()
            return perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jets", type=int, default=1_000_000, help="training samples")
    parser.add_argument("--folder", type=Path, help="where the dataset is kept and found again; absent: temporary")
    parser.add_argument("--fused", action="store_true", help="the reference asks for fused Adam as well")
    parser.add_argument("--batches", type=int, nargs="+", choices=list(REQUIRED), default=list(REQUIRED))
    arguments = parser.parse_args()
    show(main(arguments.jets, arguments.folder, arguments.fused, tuple(arguments.batches)), "jets")
