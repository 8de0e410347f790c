"""How much of a two-node training's allocation was training, while it was killed again and again.

The definition is that of training_time.py: the time in the training steps of the final weights' history (`seconds` of
run.json; steps done again after a kill count once) divided by the time that it took; here that is the time for which
Slurm had given it its nodes, over all its batch jobs. The wall time from the first command to the last end, in which
Slurm and Snakemake let it wait too, is given beside it. The kills come at moments drawn uniformly over the fit, in
turn: a worker (the job itself goes on from the last checkpoint), the rule's own process, scancel, and a node with all
that runs on it (the next job, that Snakemake submits, goes on).
"""

import json
import random
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from checkout import Checkout, Snakemake
from injection.ray_processes import workers

from injection_on_slurm.faults import is_command
from injection_on_slurm.lane import Lane
from injection_on_slurm.reference import PATIENCE, SITE_FILE, job_seconds
from injection_on_slurm.workflow import CONFIG, NAME, NEEDS, PREPARE, ROUND, SITE, TEAM, study

KINDS = ("worker", "command", "scancel", "node")
SHORT = 20 * ROUND  # epochs of the undisturbed fit that tells how fast the machine is
CHECKPOINT_SECONDS = 2.0


@dataclass(frozen=True)
class Fit:
    """A training that has ended; seconds of its allocations, of all the time, and of the steps that counted."""

    allocated: float
    wall: float
    steps: float
    kills: int


def main(minutes: float = 20.0, kills: int = 8, seed: int = 1) -> list[dict]:
    """Rows: the ratios over the allocation and over the wall time, and the mean cost of a kill in seconds."""
    with tempfile.TemporaryDirectory(prefix="sf", dir="/tmp") as name, Lane(Path(name), 0) as lane:
        place = Checkout(Path(name) / "w", lane.slurm, CONFIG, SITE, study(1.0))
        place.variables["TMPDIR"] = name
        needs = NEEDS | {"minutes": 600}
        resources = SITE["resources"] | {"rules": {"search": needs, "train": needs}, "retry_scaling": {"memory": 1.0}}
        place.write(SITE_FILE, SITE | {"resources": resources})
        with place.snakemake(PREPARE.asked) as snakemake:
            snakemake.finish(PATIENCE)
        short = _fit(lane, place, SHORT, [], random.Random(seed))
        epochs = max(1, round(60.0 * minutes * SHORT / short.steps / ROUND)) * ROUND
        chance = random.Random(seed)
        moments = sorted(chance.uniform(0.0, 1.0) for _ in range(kills))
        long = _fit(lane, place, epochs, moments, chance)
    what = f"two-node training of {long.steps / 60:.0f} min of steps, {long.kills} kills"
    cost = (long.allocated - long.steps - (short.allocated - short.steps)) / max(1, long.kills)
    return [
        {"name": f"training time over the time of its allocations, {what}", "fraction": long.steps / long.allocated},
        {"name": "the same over the wall time", "fraction": long.steps / long.wall},
        {"name": "cost of a kill, in its allocation", "seconds": cost},
    ]


def _fit(lane: Lane, place: Checkout, epochs: int, moments: list[float], chance: random.Random) -> Fit:
    """Train for so many epochs; killed where these fractions of the work are done."""
    tree = study(1.0)
    training = {"epochs": epochs, "checkpoint_seconds": CHECKPOINT_SECONDS}
    model = tree["models"]["team"]
    model["training"] = model["training"] | training
    place.write(f"config/studies/{NAME}.yaml", tree | {"n_seeds": 1, "models": {"team": model}})
    before, began, kills = len(place.jobs()), time.time(), 0
    with place.snakemake("--slurm-init-seconds-before-status-checks=2", "--retries=100", TEAM.asked) as snakemake:
        for number, moment in enumerate(moments):
            kind = KINDS[number % len(KINDS)]
            patience = PATIENCE + 60.0 * epochs  # no training is slower than that
            snakemake.wait_until(lambda m=moment: _share(place, epochs) >= m, f"{moment:.2f} of the work", patience)
            kills += _strike(lane, place, snakemake, kind, chance)
        snakemake.finish(PATIENCE + 60.0 * epochs)
    wall = time.time() - began
    allocated = sum(job_seconds(job) for job in place.jobs()[before:])
    run = json.loads((place.folder / TEAM.asked).read_text())["runs"][0]
    return Fit(allocated, wall, run["seconds"], kills)


def _share(place: Checkout, epochs: int) -> float:
    """Of the epochs, as the running fit's history has them."""
    done = 0.0
    for path in place.folder.glob("runs/*/chunk-*.ckpt"):
        done = max(done, float(path.stem.removeprefix("chunk-")))
    return done / _blocks(epochs)


def _blocks(epochs: int) -> float:
    source, training = study(1.0)["simulation"]["source"], study(1.0)["models"]["team"]["training"]
    return epochs * source["train"] / training["batch_size"] / 50


def _strike(lane: Lane, place: Checkout, snakemake: Snakemake, kind: str, chance: random.Random) -> int:
    """Kill once the job is at work again; 1 when it was done."""
    job: list[dict[str, str]] = []

    def at_work() -> bool:
        job[:] = [job for job in place.jobs(TEAM.comment) if job["JobState"] == "RUNNING"]
        return bool(job and workers(lane.processes()))

    snakemake.wait_until(at_work, "the training is at work again", PATIENCE)
    if kind == "scancel":
        lane.slurm.ask("scancel", job[0]["JobId"])
    elif kind == "node":
        names = lane.slurm.ask("scontrol", "show", "hostnames", job[0]["NodeList"]).split()
        name = chance.choice(names)
        lane.slurm.kill_node(name)
        lane.slurm.revive_node(name)
    else:
        found = workers(lane.processes()) if kind == "worker" else [p for p in lane.processes() if is_command(p)]
        with suppress(psutil.Error):
            chance.choice(found).kill()
    return 1
