"""Processes killed at random moments: a stage's, a trial's, Ray's head, the Snakemake master."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from injection.place import WHOLE, Command, Reference
from injection.ray_processes import HEAD, named, workers
from injection.scene import Scene
from injection.workflow import Job

STAGES = ("simulate", "prepare", "manifest", "observables", "train", "evaluate", "report_study", "report", "search")
LATER = {
    "search": "search train evaluate report_study report",
    "train": "train evaluate report_study report",
    "evaluate": "evaluate report_study report",
}


def stages(reference: Reference) -> list[str]:
    """Stages and, for those that save their state, the moment from which chance counts."""
    return [*STAGES, "train, once it saves its state", "search, once a trial reports"]


def kill_stage(scene: Scene, target: str) -> None:
    """SIGKILL of a stage's process at a random moment of its life; then the same command again."""
    stage, _, anchor = target.partition(", ")
    job = scene.random.choice(scene.reference.of_stage(stage))
    life = scene.reference.seconds(stage)
    for attempt in range(12):  # the undisturbed life is that of a command that starts by itself, a fork's is shorter
        scene.place.remove(job)
        if stage in ("train", "search"):
            scene.place.forget_fits()
        command = scene.place.start(job)
        moment = scene.random.random() * life * 0.6**attempt
        if anchor:
            wait_for(saves_its_state, scene.root, command)
            moment /= 4
        wait(moment, command)
        if command.kill():
            break
    else:
        scene.outcome.note("ended before it could be killed")
        return
    after = f", {moment:.2f} s after its {'first state' if anchor else 'start'}"
    scene.outcome.injected = f"SIGKILL of {job.name}{after}"
    scene.look("after the kill", yet_to_come=[job])
    scene.run_again(job)
    command.wait_for_orphans()


def worker_targets(reference: Reference) -> list[str]:
    return [job.name for job in reference.of_stage("search")]


def kill_worker(scene: Scene, target: str) -> None:
    """SIGKILL of the process of a trial in mid-search: the search must end well, or say what to do."""
    _kill_of_ray(
        scene, scene.reference.jobs[target], lambda command: workers(command.descendants()), "a trial's process"
    )


def head_targets(reference: Reference) -> list[str]:
    return list(HEAD)


def kill_head(scene: Scene, target: str) -> None:
    """SIGKILL of a process of Ray's head in mid-search."""
    job = scene.random.choice(scene.reference.of_stage("search"))
    _kill_of_ray(scene, job, lambda command: named(command.descendants(), target), target)


def _kill_of_ray(scene: Scene, job: Job, victims: Callable[[Command], list[psutil.Process]], what: str) -> None:
    scene.place.remove(job)
    scene.place.forget_fits()
    command = scene.place.start(job)
    wait_for(saves_its_state, scene.root, command)
    moment = scene.random.random() * 4.0
    wait(moment, command)
    found = victims(command)
    if not found:
        scene.outcome.note(f"no {what} to kill: {command.text[-300:]}")
        command.end()
        return
    with suppress(psutil.Error):
        scene.random.choice(found).kill()
        scene.outcome.injected = f"SIGKILL of {what} of {job.name}, {moment:.2f} s after the first report"
    command.wait()
    scene.judge(command, "when the search had ended", in_words=what not in HEAD)
    if scene.outcome.exit_codes[-1] != 0:
        scene.look("after the kill", yet_to_come=[job])
        scene.run_again(job)
    command.wait_for_orphans()


def master_targets(reference: Reference) -> list[str]:
    return ["everything", *LATER]


def kill_master(scene: Scene, target: str) -> None:
    """SIGKILL of Snakemake alone, while its jobs go on; then --unlock and the same command again."""
    later = STAGES if target == "everything" else LATER[target].split()
    undone = [job for job in scene.reference.jobs.values() if job.stage in later]
    scene.place.remove(*undone)
    if target != "evaluate":
        scene.place.forget_fits()
    command = scene.place.snakemake()
    stages = {job.stage for job in undone}
    moment = 3 + scene.random.random() * sum(scene.reference.seconds(stage) for stage in stages)
    wait(moment, command)
    if not command.kill():
        scene.outcome.note(f"ended before it could be killed: {command.text[-300:]}")
        return
    jobs_alive = len(command.descendants())
    scene.outcome.injected = f"SIGKILL of snakemake after {moment:.1f} s, {jobs_alive} processes go on"
    scene.look("after the kill", yet_to_come=undone)
    scene.outcome.exit_codes.append(scene.place.snakemake("--unlock").wait())
    again = scene.place.snakemake("--rerun-incomplete")
    scene.outcome.exit_codes.append(again.wait(WHOLE))
    if scene.outcome.exit_codes[-1] != 0:  # a fit or a search that goes on is waited for
        scene.outcome.false_alarms += 1
        scene.outcome.note(f"run again: {again.text[-1500:]}")
        scene.outcome.unmended += 1
    command.wait_for_orphans()
    if not scene.look("after the operator's action").whole and scene.outcome.exit_codes[-1] == 0:
        scene.outcome.false_successes += 1


def saves_its_state(root: Path) -> bool:
    """Whether a fit has saved a checkpoint, or a trial has reported a loss."""
    if any(root.glob("runs/*/*.ckpt")):
        return True
    return any('"report"' in trial_log.read_text() for trial_log in root.glob("runs/*/trial_log.jsonl"))


def wait_for(condition: Callable[[Path], bool], root: Path, command: Command) -> None:
    while command.running and not condition(root):
        time.sleep(0.01)


def wait(seconds: float, command: Command) -> None:
    deadline = time.monotonic() + seconds
    while command.running and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, 0.02))
