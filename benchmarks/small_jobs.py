"""Core-seconds of small jobs, by hand and by a workflow's fork server, in turns: `train` and `evaluate` of digits' MLP.

Each is a process `bevatron ...` of its own in both cases. Of the forked ones the client and the fork are counted, and
not the template's imports, which a workflow pays once (printed beside). Same weights are required, bit for bit.

    python benchmarks/small_jobs.py [--rounds 5]
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import psutil
import yaml

from bevatron.fork_server.start import start_fork_server

CONFIG = Path(__file__).parents[1] / "config"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # as Snakemake sets them for such a job
BEYOND_STEPS = 1.0  # core-seconds that a small training may cost beside its steps
LESS_THAN_BY_HAND = 2.5  # times, for both jobs together


class Place:
    """A copy of the configuration, and the dataset of digits."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(CONFIG, folder / "config")
        settings = yaml.safe_load((folder / "config/config.yaml").read_text())
        (folder / "config/config.yaml").write_text(yaml.safe_dump({**settings, "accelerator": "cpu"}))
        self.bevatron("simulate", "digits", "--shard", "0", "--output", "raw/shard-0000.h5")
        self.bevatron("prepare", "digits", "--raw", "raw/shard-0000.h5", "--output", "dataset")
        self.bevatron("manifest", "digits", "--dataset", "dataset")

    def bevatron(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "bevatron", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def train(self) -> tuple[float, str]:
        """Seconds of the steps, and the weights' digest."""
        for name in ("runs", "models"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self.bevatron("train", "digits", "mlp", "--manifest", "dataset/manifest.json", "--output", "models")
        (run,) = json.loads((self.folder / "models/runs.json").read_text())["runs"]
        weights = (self.folder / "models/seed-0/weights.safetensors").read_bytes()
        return run["seconds"], hashlib.sha256(weights).hexdigest()

    def evaluate(self) -> None:
        shutil.rmtree(self.folder / "evaluation", ignore_errors=True)
        given = ("--manifest", "dataset/manifest.json", "--runs", "models/runs.json")
        self.bevatron("evaluate", "digits", "mlp", *given, "--output", "evaluation")


def core_seconds(server: psutil.Process | None) -> float:
    """Of all children that have ended: ours, and the forks of the server's templates."""
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = own.ru_utime + own.ru_stime
    for template in server.children() if server is not None else ():
        times = template.cpu_times()
        total += times.children_user + times.children_system
    return total


def main(rounds: int = 5) -> list[dict]:
    """Rows of the table of results."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    costs: dict[str, list[float]] = {}
    steps, digests = [], set()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        before = set(psutil.Process().children())
        start_fork_server()
        (server,) = set(psutil.Process().children()) - before
        address = os.environ.pop("BEVATRON_FORK_SERVER")
        for turn in range(2 * (rounds + 1)):
            forked = turn % 2 == 1
            if forked:
                os.environ["BEVATRON_FORK_SERVER"] = address
            start = core_seconds(server)
            seconds, digest = place.train()
            trained = core_seconds(server)
            place.evaluate()
            end = core_seconds(server)
            os.environ.pop("BEVATRON_FORK_SERVER", None)
            digests.add(digest)
            if turn >= 2:  # the first of each pays for caches, and for the template
                way = "forked" if forked else "by hand"
                costs.setdefault(f"train {way}", []).append(trained - start)
                costs.setdefault(f"evaluate {way}", []).append(end - trained)
                steps += [seconds] * forked
        (template,) = server.children()
        own = template.cpu_times()
        print(f"the template's imports: {own.user + own.system:.1f} core-seconds, once", file=sys.stderr)
    assert len(digests) == 1, "the weights differ"
    middle = {name: median(values) for name, values in costs.items()}
    print({name: round(value, 2) for name, value in middle.items()}, file=sys.stderr)
    beside = median(cost - step for cost, step in zip(costs["train forked"], steps, strict=True))
    both = {way: middle[f"train {way}"] + middle[f"evaluate {way}"] for way in ("forked", "by hand")}
    return [
        {"name": "a small training, forked, core-seconds beside its steps", "seconds": beside, "limit": BEYOND_STEPS},
        {
            "name": "a small training and its evaluation: forked against by hand, jobs a core-second",
            "ours": 1 / both["forked"],
            "reference": 1 / both["by hand"],
            "ratio": both["by hand"] / both["forked"],
            "required": LESS_THAN_BY_HAND,
        },
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    for row in main(parser.parse_args().rounds):
        print(json.dumps(row))
