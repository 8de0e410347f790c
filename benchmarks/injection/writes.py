"""Writers that die at every step of publishing a file."""

import signal
from pathlib import Path

from injection.killed_write import STEPS
from injection.place import Reference
from injection.scene import Scene

STORE = (
    ("simulate", "results/*/raw/shard-*.h5"),
    ("simulate", "results/*/raw/shard-*.timing.json"),
    ("prepare", "results/*/dataset/train-*.h5"),
    ("prepare", "results/*/dataset/test-*.h5"),
    ("manifest", "results/*/dataset/manifest.json"),
    ("observables", "results/*/evaluation/data.json"),
)
CHECKPOINTS = (
    ("train", "runs/*/*.ckpt"),
    ("train", "runs/*/*.ckpt.sha256"),
    ("train", "runs/*/best-*.safetensors"),
)
RESULTS = (
    ("train", "runs/*/weights.safetensors"),
    ("train", "runs/*/result.json"),
    ("train", "results/*/weights.safetensors"),
    ("train", "results/*/history.csv"),
    ("train", "results/*/model.json"),
    ("train", "results/*/run.json"),
    ("train", "results/*/runs.json"),
    ("search", "results/*/trials.csv"),
    ("search", "results/*/best.yaml"),
    ("evaluate", "results/*/predictions.h5"),
    ("evaluate", "results/*/metrics.json"),
    ("report_study", "results/report/*/tables/*.csv"),
    ("report_study", "results/report/*/index.html"),
    ("report_study", "results/report/*/claims.json"),
    ("report", "results/report/tables/*.csv"),
    ("report", "results/report/index.html"),
)
SMALL = 60  # bytes; no file is smaller, so that half of it is always in mid-write


def store_targets(reference: Reference) -> list[str]:
    return _with_steps(STORE)


def checkpoint_targets(reference: Reference) -> list[str]:
    return _with_steps(CHECKPOINTS)


def result_targets(reference: Reference) -> list[str]:
    return _with_steps(RESULTS)


def kill_write(scene: Scene, target: str) -> None:
    """A stage that kills itself at a step of writing a file; then the same command again."""
    stage, pattern, step = target.split(": ")
    job = scene.random.choice(scene.reference.of_stage(stage))
    scene.place.remove(job)
    if stage == "train" and pattern.startswith("runs/"):
        scene.place.forget_fits()
    command = scene.place.start(job, (step, pattern, _size(scene.reference.root, pattern)))
    code = command.wait()
    scene.outcome.exit_codes.append(code)
    if code not in (-signal.SIGKILL, -signal.SIGXFSZ):
        scene.outcome.note(f"was not killed, exit code {code}: {command.text[-300:]}")
        return
    scene.outcome.injected = f"{job.name} killed when {pattern} was {step}"
    scene.look("after the kill", yet_to_come=[job])
    scene.run_again(job)


def _with_steps(writes: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"{stage}: {pattern}: {step}" for stage, pattern in writes for step in STEPS]


def _size(root: Path, pattern: str) -> int:
    return min((path.stat().st_size for path in root.glob(pattern)), default=SMALL)
