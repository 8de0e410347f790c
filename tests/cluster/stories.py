"""What befalls a training and a search on a cluster: each story is a workflow of its own and what went wrong in it.

A story returns its checkout and Snakemake's words once the workflow has finished; the tests judge it. The stories wait
for a good part of their time, for Slurm and for Snakemake's looks at it, so that some of them run side by side.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checkout import Checkout, Snakemake
from virtual_slurm import VirtualSlurm

TRAINING = "results/curve/models/net/runs.json"
SEARCH = "results/curve/search/searched/best.yaml"
TRIALS = 10
STARTED = 240  # seconds in which a job has started, imported torch and done something, on a busy machine
FINISHED = 420  # seconds in which the rest of a workflow ends


@dataclass(frozen=True)
class World:
    """Where stories happen; `study` has the models `net`, `small` and `searched`, `made` holds its dataset."""

    slurm: VirtualSlurm
    root: Path
    study: dict[str, Any]
    made: Path

    def checkout(self, name: str, partition: str, table: dict[str, Any] | None = None, **config: Any) -> Checkout:
        """A checkout with the dataset, whose site has `partition` and lays `table` over the resources."""
        site = {"partition": partition, "resources": table or {}}
        place = Checkout(self.root / name, self.slurm, config, site, self.study)
        shutil.copytree(self.made, place.folder / "results" / "curve")
        return place


@dataclass(frozen=True)
class Ending:
    """A story's end."""

    place: Checkout
    said: str


def cancelled(world: World) -> Ending:
    """The jobs of a training and a search are cancelled with scancel while they are at work."""
    place = world.checkout("cancelled", "calm")
    with place.snakemake(TRAINING, SEARCH) as snakemake:
        wait_for_training(snakemake)
        world.slurm.ask("scancel", place.jobs("rule_train")[-1]["JobId"])
        wait_for_search(snakemake)
        world.slurm.ask("scancel", place.jobs("rule_search")[-1]["JobId"])
        return Ending(place, snakemake.finish(FINISHED))


def node_failure(world: World) -> Ending:
    """The node on which a training and a search are at work dies."""
    place = world.checkout("node", "stormy")
    with place.snakemake(TRAINING, SEARCH) as snakemake:
        wait_for_training(snakemake)
        wait_for_search(snakemake)
        (node,) = {job["NodeList"] for job in place.jobs()}
        assert not (place.folder / TRAINING).exists(), "the training has ended before: give it more epochs"
        world.slurm.kill_node(node)
        try:
            return Ending(place, snakemake.finish(FINISHED))
        finally:
            world.slurm.revive_node(node)


def time_limit(world: World) -> Ending:
    """A training is given a minute, Slurm's least, which is less than it takes."""
    table = {"overrides": {"curve/net": {"train": {"minutes": 1}}}}
    place = world.checkout("limit", "calm", table, grace_seconds=30)
    with place.snakemake(TRAINING) as snakemake:
        return Ending(place, snakemake.finish(STARTED + FINISHED))


def out_of_memory(world: World) -> Ending:
    """A training is given 400 MB, enough for Snakemake's part of the job and too little for torch."""
    table = {"overrides": {"curve/small": {"train": {"memory_gb": 0.4}}}, "retry_scaling": {"memory": 4.0}}
    place = world.checkout("memory", "calm", table)
    with place.snakemake(TRAINING.replace("net", "small")) as snakemake:
        return Ending(place, snakemake.finish(STARTED + FINISHED))


STORIES = {story.__name__: story for story in (time_limit, out_of_memory, node_failure, cancelled)}


def wait_for_training(snakemake: Snakemake) -> None:
    """Until the training has saved its state."""
    place = snakemake.checkout
    saved = lambda: any((place.folder / "runs").glob("*/chunk-*.ckpt"))  # noqa: E731
    snakemake.wait_until(saved, "a checkpoint of the training", STARTED)


def wait_for_search(snakemake: Snakemake) -> None:
    """Until two trials have ended."""
    place = snakemake.checkout
    ended = lambda: sum(line["event"] == "end" for line in trial_log(place)) >= 2  # noqa: E731
    snakemake.wait_until(ended, "two ended trials", STARTED)
    assert not (place.folder / SEARCH).exists(), "the search has ended before anything befell it: give it more trials"


def trial_log(place: Checkout) -> list[dict[str, Any]]:
    """The whole lines of the search's trial log."""
    texts = [path.read_text() for path in (place.folder / "runs").glob("*/trial_log.jsonl")]
    return [json.loads(line) for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n")]
