"""How much of a killed training's time was training: one fit, killed ten times, started again each time.

    python benchmarks/training_time.py [--minutes 30] [--kills 10] [--seed 1] [--fork-server]

The effective training-time ratio is the time in training steps that counted, divided by the wall time from the first
start to the last end. Steps that count are those of the final weights' history (`seconds` of run.json); steps done
again after a kill count once. The wall time holds all else: every start of a process with its imports, the work lost
since the last checkpoint, validations, checkpoints. The kills are SIGKILLs at moments drawn uniformly over the fit, and
the same command is run again at once.

What a kill costs hardly depends on the fit's length, so it is given too: the time from the last checkpoint before the
kill to the moment when the next process goes on from it, that is the work lost and the start. With it, and what an
undisturbed fit needs beside its steps, follows the ratio at other lengths. So a fit of a few minutes tells the cost.

Half of the cost by hand is the import of PyTorch and Lightning. With --fork-server the command is started as a workflow
on one machine starts it: by a fork of a process that has imported both (docs/explanation/design.md). What Snakemake
takes to notice the end of a job and to start it again comes in addition there; it is not measured here.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

from injection.place import Command, Place

from bevatron.fork_server.start import start_fork_server

REQUIRED = 0.95
SHORT = 200  # epochs of the undisturbed fit that tells how fast the machine is, and how long a start takes
EPOCHS_OF_FIRST = 50
KILLS = 10
OTHER_MINUTES = (10, 30, 60, 240, 1440)
STUDY = {
    "name": "long",
    "title": "A long fit",
    "summary": "y = x² with noise.",
    "simulation": {"source": {"kind": "function", "train": 20_000, "val": 2_000, "test": 100}},
    "dataset": {"recipe": {"kind": "function", "noise": {"y": 5.0}}},
    "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
    "n_seeds": 1,
}
MODEL = {
    "title": "two hidden layers",
    "inputs": ["x"],
    "architecture": {"kind": "mlp", "widths": [128, 128]},
    "training": {"batch_size": 1000, "learning_rate": 0.001, "validate_every": 50, "checkpoint_seconds": 2.0},
}


@dataclass(frozen=True)
class Fit:
    """A fit that has ended; seconds: wall time, time in the steps that counted, useful time of all its processes.

    The useful time of a process runs from where it begins, or goes on, to its last checkpoint, or to its end.
    """

    wall: float
    steps: float
    useful: float
    kills: int


def main(minutes: float = 30.0, kills: int = 10, seed: int = 1, fork_server: bool = False) -> list[dict]:
    """A row each: the ratio and what is required of it, and the mean cost of a kill in seconds."""
    with tempfile.TemporaryDirectory(prefix="training-") as name:
        place = Place(Path(name) / "place")
        if fork_server and start_fork_server() is None:
            raise RuntimeError("the fork server does not start")
        _make(place)
        if fork_server:
            _fit(place, EPOCHS_OF_FIRST, [], 0.0)  # waits for the server's imports
        short = _fit(place, SHORT, [], 0.0)
        start, rate = short.wall - short.steps, SHORT / short.steps  # seconds, epochs a second
        epochs = max(50, round(60.0 * minutes * rate / 50) * 50)
        draws = random.Random(seed)
        moments = sorted(draws.uniform(0.0, epochs / rate) for _ in range(kills))
        killed = _fit(place, epochs, moments, start)
    cost = (killed.wall - start - killed.useful) / max(1, killed.kills)
    rest = killed.useful / killed.steps - 1.0
    ratio = killed.steps / killed.wall
    print(f"beside the steps: {start:.1f} s once, {100 * rest:.1f} % of their time for validations and checkpoints")
    print(f"{killed.steps:.0f} s of steps in {killed.wall:.0f} s with {killed.kills} kills, {cost:.1f} s a kill")
    what = f"{killed.steps / 60:.0f} min of training steps, {killed.kills} kills"
    row = {"name": f"cost of a kill, {what}", "seconds": cost, "start": start, "rest": rest, "kills": kills}
    for length, other in other_lengths(row):
        print(f"{KILLS} kills in {length} of steps: {other:.3f}")
    return [{"name": f"effective training-time ratio, {what}", "fraction": ratio, "required": REQUIRED}, row]


def other_lengths(row: dict) -> list[tuple[str, float]]:
    """The ratio at other lengths of the fit and KILLS kills, from the cost of one."""
    beside = row["start"] + KILLS * row["seconds"]
    steps = {f"{minutes} min": 60.0 * minutes for minutes in OTHER_MINUTES}
    return [(name, s / (beside + (1.0 + row["rest"]) * s)) for name, s in steps.items()]


def _make(place: Place) -> None:
    """The configuration and the dataset, in which every fit is a model of its own."""
    studies = place.root / "config" / "studies"
    studies.mkdir(parents=True)
    (place.root / "config" / "config.yaml").write_text("studies: [long]\naccelerator: cpu\n", encoding="utf-8")
    _write_study(place, SHORT)
    for arguments in (
        ("simulate", "long", "--shard", "0", "--output", "raw/shard-0000.h5"),
        ("prepare", "long", "--raw", "raw/shard-0000.h5", "--output", "dataset"),
        ("manifest", "long", "--dataset", "dataset"),
    ):
        _done(place.command(*arguments))


def _write_study(place: Place, epochs: int) -> None:
    model = {**MODEL, "training": {**MODEL["training"], "epochs": epochs}}
    text = yaml.safe_dump({**STUDY, "models": {"net": model}}, sort_keys=False, allow_unicode=True)
    (place.root / "config" / "studies" / "long.yaml").write_text(text, encoding="utf-8")


def _fit(place: Place, epochs: int, moments: list[float], start: float) -> Fit:
    """Train with SIGKILLs at these moments, seconds after the first start; run again at once after each.

    start: seconds until the first process has begun to learn.
    """
    _write_study(place, epochs)
    output = f"fit-{epochs}"
    arguments = ("train", "long", "net", "--manifest", "dataset/manifest.json", "--output", output)
    began, kills, useful = time.time(), 0, 0.0
    command, learns_from = place.command(*arguments), began + start
    for moment in moments:
        while command.running and time.time() - began < moment:
            learns_from = learns_from or _when_it_goes_on(command)
            time.sleep(0.02)
        if command.running and command.kill():
            kills += 1
            saved = max((path.stat().st_mtime for path in place.root.glob("runs/*/*.ckpt.sha256")), default=0.0)
            useful += max(0.0, saved - learns_from) if learns_from else 0.0
            command, learns_from = place.command(*arguments), None if saved else time.time() + start
    while command.running:
        learns_from = learns_from or _when_it_goes_on(command)
        time.sleep(0.02)
    _done(command)
    ended = time.time()
    steps = json.loads((place.root / output / "seed-0" / "run.json").read_text())["seconds"]
    return Fit(ended - began, steps, useful + ended - (learns_from or ended), kills)


def _when_it_goes_on(command: Command) -> float | None:
    return time.time() if "continues from" in command.text else None


def _done(command: Command) -> None:
    if command.process.wait() != 0:
        raise RuntimeError(command.text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="time in training steps")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="decides the moments of the kills")
    parser.add_argument("--fork-server", action="store_true", help="start as in a workflow, by a fork")
    arguments = parser.parse_args()
    for row in main(arguments.minutes, arguments.kills, arguments.seed, arguments.fork_server):
        print(json.dumps(row))
