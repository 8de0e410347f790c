"""A fit by two workers on two cores against the same fit by one worker on one core, one after the other.

    python benchmarks/two_workers.py [--jets 300000] [--folder FOLDER]

Both learn the same global batches; the two share each batch and average their gradients by DDP over loopback (gloo).
The ratio is of samples a second in the training steps; 2 would be perfect. Also returned: what an exchange of
gradients costs a step, in milliseconds, beyond half of the one worker's step.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

EPOCHS = 4
BATCHES = (1000, 5000)
REQUIRED = {1000: 1.0, 5000: 1.3}


def main(jets: int = 300_000, folder: Path | None = None) -> list[dict]:
    """One row for each batch size: name, two workers' and one worker's jets/s, their ratio, and the ratio required."""
    from jets_dataset import make_jets
    from readers import row

    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        manifest = make_jets(Path(folder or temporary) / "jets", jets)
        for batch in BATCHES:
            one, two = (together(manifest, batch, size, Path(temporary) / f"{batch}-{size}") for size in (1, 2))
            lost = 1000 * batch * (1 / two - 0.5 / one)
            print(f"batch {batch}: {one:,.0f} jets/s by one, {two:,.0f} by two; {lost:.2f} ms a step for the exchange")
            rows.append(row(f"two workers, batch {batch}", two, one, REQUIRED[batch]))
    return rows


def together(manifest: Path, batch: int, size: int, live: Path) -> float:
    """Samples a second of a fit by `size` processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(size)}
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--worker", str(manifest), str(batch), str(live)],
            env={**environment, "RANK": str(rank)},
        )
        for rank in range(size)
    ]
    codes = [worker.wait() for worker in workers]
    if any(codes):
        raise RuntimeError("a worker failed")
    return json.loads((live / "result.json").read_text(encoding="utf-8"))["result"]["samples_per_second"]


def work(manifest: str, batch: str, live: str) -> None:
    """What each worker does, in its process."""
    from jets_dataset import benchmark_study
    from torch import distributed

    from bevatron.compute.distributed.distributed_context import DistributedContext
    from bevatron.config.sections.model import Model
    from bevatron.config.sections.workflow import DataLoading
    from bevatron.training.fit import fit
    from bevatron.training.job import FitJob

    model = Model.model_validate(
        {
            "title": "feedforward",
            "inputs": ["jets", "tracks"],
            "architecture": {"kind": "mlp", "widths": [128, 128, 64]},
            "training": {"epochs": EPOCHS, "batch_size": int(batch), "threads": 1, "checkpoint_seconds": 60.0},
        }
    )
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    distributed.init_process_group("gloo", rank=rank, world_size=size)
    fit(
        FitJob(benchmark_study("jets", 4, 1), model, Path(manifest), 0, Path(live), DataLoading(), "cpu"),
        context=DistributedContext(rank, size),
    )
    distributed.destroy_process_group()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        work(*sys.argv[2:])
    else:
        parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
        parser.add_argument("--jets", type=int, default=300_000, help="training samples")
        parser.add_argument("--folder", type=Path, help="where the dataset is kept and found again; absent: temporary")
        arguments = parser.parse_args()
        main(arguments.jets, arguments.folder)
