"""Both readers against the bare calls beneath them, side by side in one process.

    python benchmarks/readers.py [--jets 1000000] [--folder FOLDER]

- resident: shuffled batches from a split in memory, against `torch.index_select(out=...)` on the same
tensors;
- streaming: shuffled batches from lz4-compressed shards, against h5py's `read_direct` of the same shards in
file
  order, in blocks of 10,000 rows into reused arrays.

Repetitions alternate (ours, reference, ours, ...) and medians are compared. The files are in the page cache.
"""

import argparse
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import h5py
import numpy as np
import torch
from jets_dataset import make_jets

from bevatron.store.readers.reader import open_split
from bevatron.store.readers.split import describe
from bevatron.store.readers.streaming import StreamingReader

GROUPS = ("jets", "tracks")
REQUIRED = 0.7
REPETITIONS = 7


def main(jets: int = 1_000_000, folder: Path | None = None) -> list[dict]:
    """One row for each comparison: name, ours and reference in jets/s, their ratio, and the ratio
    required.
    """
    torch.set_num_threads(1)  # as in a fit (training.threads); the other core is the prefetching thread's
    with tempfile.TemporaryDirectory() as temporary:
        manifest = make_jets(Path(folder or temporary), jets)
        return [*resident(manifest), *streaming(manifest)]


def resident(manifest: Path) -> list[dict]:
    rows = []
    with open_split(manifest, "train", batch_size="full", memory_budget_bytes=1e12) as reader:
        tensors = {name: values.clone() for name, values in next(reader.epoch(0, 0))["inputs"].items()}
    n = len(tensors["jets"])
    for size in (1000, 5000):
        with open_split(manifest, "train", batch_size=size, memory_budget_bytes=1e12, partitions=64) as reader:
            out = {name: torch.empty(size, *tensors[name].shape[1:]) for name in GROUPS}

            def select(size: int = size, out: dict = out) -> None:
                for part in torch.randperm(n).split(size):
                    for name in GROUPS:
                        torch.index_select(tensors[name], 0, part, out=out[name][: len(part)])

            ours, reference = side_by_side(epochs_of(reader), select)
        rows.append(row(f"resident reader, batch {size}", n / ours, n / reference))
    return rows


def streaming(manifest: Path) -> list[dict]:
    rows, files = [], sorted(manifest.parent.glob("train-*.h5"))
    arrays = {"jets": np.empty((10_000, 16), np.float32), "tracks": np.empty((10_000, 15, 28), np.float32)}

    def read() -> None:
        for path in files:
            with h5py.File(path, "r", locking=False) as file:  # as ours, or HDF5 refuses the second
                datasets = {name: file[f"inputs/{name}"] for name in GROUPS}
                count = len(datasets["jets"])
                for start in range(0, count, 10_000):
                    stop = min(start + 10_000, count)
                    for name in GROUPS:
                        datasets[name].read_direct(arrays[name][: stop - start], np.s_[start:stop])

    for size in (1000, 5000):
        # Asked for by name: `open_split` would keep a split of this size in memory.
        with StreamingReader(describe(manifest, "train"), size, 16_000, 8, 4e9, partitions=64) as reader:
            n = reader.n_samples
            ours, reference = side_by_side(epochs_of(reader), read)
        rows.append(row(f"streaming reader, batch {size}", n / ours, n / reference))
    return rows


def epochs_of(reader) -> Callable[[], None]:
    """A call that reads one more epoch, looking at nothing in it."""
    count = iter(range(1_000_000))

    def read() -> None:
        for _ in reader.epoch(1, next(count)):
            pass

    return read


def side_by_side(
    ours: Callable[[], None], reference: Callable[[], None], repetitions: int = REPETITIONS
) -> tuple[float, float]:
    """Median seconds of both, in turns, after one call of each to warm up."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for repetition in range(repetitions + 1):
        for call, taken in zip((ours, reference), seconds, strict=True):
            start = perf_counter()
            call()
            if repetition:
                taken.append(perf_counter() - start)
    return median(seconds[0]), median(seconds[1])


def row(name: str, ours: float, reference: float, required: float = REQUIRED) -> dict:
    return {"name": name, "ours": ours, "reference": reference, "ratio": ours / reference, "required": required}


def show(rows: list[dict], unit: str) -> None:
    print(f"{'':34s}{'ours':>12s}{'reference':>12s}{'ratio':>8s}{'required':>10s}   {unit}/s")
    for r in rows:
        print(f"{r['name']:34s}{r['ours']:12,.0f}{r['reference']:12,.0f}{r['ratio']:8.2f}{r['required']:10.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jets", type=int, default=1_000_000, help="training samples")
    parser.add_argument("--folder", type=Path, help="where the dataset is kept and found again; absent: temporary")
    arguments = parser.parse_args()
    show(main(arguments.jets, arguments.folder), "jets")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
