"""What befalls a batch job, its processes, its nodes, Slurm's controller and Snakemake."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from injection.ray_processes import HEAD, line_of, named, workers

from injection_on_slurm.scene import Missed, Scene
from injection_on_slurm.workflow import NAME, NET, PREPARE, SEARCH, TARGETS, TEAM, Target

SHORT_ABSENCE, LONG_ABSENCE = (1.0, 25.0), (70.0, 90.0)  # seconds; Slurm sees a node as down after 10
VICTIM_SECONDS = 120.0  # of the next job, where another fault has just ended this one


@dataclass(frozen=True)
class Fault:
    """One fault: what it can hit, how it strikes (what it did, in words), and what the work needs to be like.

    `at_work`: only once the work has begun. `in_words`: the work that it ends has time for last words.
    `needs`: what the target's batch job asks of Slurm instead, which is too little.
    """

    name: str
    targets: tuple[Target, ...]
    strike: Callable[[Scene], str]
    at_work: bool = False
    in_words: bool = False
    needs: dict[str, Any] = field(default_factory=dict)

    @property
    def is_a_limit(self) -> bool:
        return bool(self.needs)


def cancel(scene: Scene) -> str:
    job = scene.running_job()
    scene.lane.slurm.ask("scancel", job["JobId"])
    return f"scancel of job {job['JobId']}"


def kill_command(scene: Scene) -> str:
    """SIGKILL of the rule's own process, on the first node."""
    return _kill(scene, lambda found: [p for p in found if is_command(p)], "the command's process")


def kill_worker(scene: Scene) -> str:
    """SIGKILL of a process in which Ray has a trial, or a worker of a training, at work."""
    return _kill(scene, workers, "a worker")


def kill_head(scene: Scene) -> str:
    what = scene.random.choice(HEAD)
    return _kill(scene, lambda found: named(found, what), what)


def kill_daemon(scene: Scene) -> str:
    """SIGKILL of slurmd alone: its jobs go on, and Slurm takes the node for lost after a while."""
    name = scene.random.choice(scene.nodes())
    scene.lane.slurm.kill_daemon(name)
    back = scene.later(
        scene.random.uniform(*SHORT_ABSENCE), "started again", lambda: scene.lane.slurm.start_daemon(name)
    )
    return f"SIGKILL of {name}'s slurmd, {back}"


def lose_power(scene: Scene) -> str:
    """SIGKILL of slurmd and of everything else on the node."""
    name = scene.random.choice(scene.nodes())
    scene.lost_power = True
    scene.lane.slurm.kill_node(name)
    back = scene.later(scene.random.uniform(*SHORT_ABSENCE), "back", lambda: scene.lane.slurm.start_daemon(name))
    return f"power lost on {name}, {back}"


def set_down(scene: Scene) -> str:
    return _set_state(scene, scene.nodes(), "down")


def drain(scene: Scene) -> str:
    """Jobs go on on the drained nodes, and nothing starts there: sometimes on none."""
    first = scene.random.choice(scene.nodes())
    elsewhere = [name for name in scene.lane.slurm.nodes if name != first]
    names = [first, *scene.random.sample(elsewhere, scene.random.randint(0, len(elsewhere)))]
    return "; ".join(_set_state(scene, [name], "drain") for name in names)


def kill_controller(scene: Scene) -> str:
    """SIGKILL of the controller, which is started again soon or after more than a minute."""
    span = LONG_ABSENCE if scene.random.random() < 0.25 else SHORT_ABSENCE
    scene.lane.end_controller()
    back = scene.later(scene.random.uniform(*span), "started again", scene.lane.start_controller)
    return f"SIGKILL of slurmctld, {back}"


def kill_snakemake(scene: Scene) -> str:
    scene.killed_snakemake = True
    scene.snakemake.kill()
    return "SIGKILL of snakemake"


def reach_limit(scene: Scene) -> str:
    """Nothing strikes: the job asked for too little. Missed where it was enough."""
    scene.wait(lambda: scene.snakemake.code is not None, 600)
    ended = [job for job in scene.jobs() if job["JobState"] != "COMPLETED"]
    if not ended:
        raise Missed("the limit was not reached")
    return f"limit reached by {len(ended)} jobs: {', '.join(job['JobState'] for job in ended)}"


FAULTS = (
    Fault("scancel", TARGETS, cancel, in_words=True),
    Fault("command's process killed", TARGETS, kill_command, at_work=True),
    Fault("Ray's worker killed", (TEAM, SEARCH, TEAM), kill_worker, at_work=True),
    Fault("Ray's head killed", (TEAM, SEARCH), kill_head, at_work=True),
    Fault("slurmd killed", TARGETS, kill_daemon),
    Fault("node lost", TARGETS, lose_power),
    Fault("node set down", (TEAM, SEARCH, PREPARE), set_down),
    Fault("node drained", (TEAM, PREPARE, SEARCH), drain),
    Fault("controller killed", (TEAM, PREPARE, SEARCH), kill_controller),
    Fault("Snakemake killed", (PREPARE, TEAM, SEARCH, NET), kill_snakemake),
)
LIMITS = (
    Fault("time limit reached", (TEAM, SEARCH), reach_limit, needs={"minutes": 1}),
    Fault("memory limit reached", (TEAM, SEARCH, NET), reach_limit, needs={"memory_gb": 0.5}),
)


def site_with(needs: dict[str, Any], target: Target, site: dict[str, Any]) -> dict[str, Any]:
    """The site's file in which the jobs of `target` ask for `needs`."""
    place, rule = {
        SEARCH.name: (f"{NAME}/searched", "search"), NET.name: (f"{NAME}/net", "train"),
        TEAM.name: (f"{NAME}/team", "train"),
    }[target.name]  # fmt: skip
    overrides = site["resources"]["overrides"]
    before = overrides.get(place, {}).get(rule, {})
    resources = site["resources"] | {"overrides": overrides | {place: {rule: before | needs}}}
    return site | {"resources": resources}


def _set_state(scene: Scene, names: list[str], state: str) -> str:
    name = scene.random.choice(names)
    scene.lane.set_state(name, state)
    back = scene.later(scene.random.uniform(*SHORT_ABSENCE), "resumed", lambda: scene.lane.resume(name))
    return f"{name} set to {state}, {back}"


def _kill(scene: Scene, victims: Callable[[list[psutil.Process]], list[psutil.Process]], what: str) -> str:
    found: list[psutil.Process] = []

    def look() -> bool:
        found[:] = victims(scene.lane.processes())
        return bool(found)

    scene.wait_or_miss(look, VICTIM_SECONDS)
    victim = scene.random.choice(found)
    words = line_of(victim)[:60]
    with suppress(psutil.Error):
        victim.kill()
    return f"SIGKILL of {what} ({victim.pid}: {words})"


def is_command(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any(Path(word).name == "bevatron" for word in process.cmdline()[:2])
    return False
