"""Files damaged after they were written: cut short, or one bit turned. They must be refused by name, or made again."""

from pathlib import Path

from injection.kills import saves_its_state, wait, wait_for
from injection.place import Reference
from injection.scene import Scene
from injection.workflow import Job

# What is damaged, and the stage that then meets it.
PUBLISHED = (
    ("results/*/raw/shard-*.h5", "prepare"),
    ("results/*/dataset/*-*.h5", "manifest"),
    ("results/*/dataset/train-*.h5", "train"),
    ("results/*/dataset/val-*.h5", "train"),
    ("results/*/dataset/test-*.h5", "evaluate"),
    ("results/*/dataset/test-*.h5", "observables"),
    ("results/*/dataset/manifest.json", "train"),
    ("results/*/dataset/manifest.json", "evaluate"),
    ("results/*/search/*/best.yaml", "train"),
    ("results/*/models/*/*/weights.safetensors", "evaluate"),
    ("results/*/models/*/*/model.json", "evaluate"),
    ("results/*/models/*/runs.json", "evaluate"),
    ("results/*/models/*/*/history.csv", "report_study"),
    ("results/*/search/*/trials.csv", "report_study"),
    ("results/*/search/*/best.yaml", "report_study"),
    ("results/*/evaluation/data.json", "report_study"),
    ("results/*/evaluation/*/metrics.json", "report_study"),
    ("results/report/*/claims.json", "report"),
    ("results/report/*/index.html", "report"),
)
LIVE = (  # live state, and the stage that goes on from it
    ("runs/*/*.ckpt", "train"),
    ("runs/*/*.ckpt.sha256", "train"),
    ("runs/*/best-*.safetensors", "train"),
    ("runs/*/weights.safetensors", "train"),
    ("runs/*/result.json", "train"),
    ("runs/*/history.csv", "train"),
    ("runs/*/trial_log.jsonl", "search"),
)


def targets(reference: Reference) -> list[str]:
    return [f"{pattern} for {stage}" for pattern, stage in PUBLISHED]


def live_targets(reference: Reference) -> list[str]:
    return [f"{pattern} for {stage}" for pattern, stage in LIVE]


def truncate(scene: Scene, target: str) -> None:
    _damage_published(scene, target, _cut)


def flip_bit(scene: Scene, target: str) -> None:
    _damage_published(scene, target, _flip)


def damage_live(scene: Scene, target: str) -> None:
    """A killed fit's newest checkpoint, a finished fit's files, or a search's trial log, met by the next run."""
    pattern, _, stage = target.partition(" for ")
    job = scene.random.choice(scene.reference.of_stage(stage))
    if ".ckpt" in pattern or "best" in pattern:
        _killed_with_checkpoints(scene, job)
    else:
        scene.place.remove(job)
    files = sorted(scene.root.glob(pattern))
    if not files:
        scene.outcome.note(f"no {pattern} to damage")
        return
    path = files[-1] if ".ckpt" in pattern or "best" in pattern else scene.random.choice(files)
    scene.outcome.injected = scene.random.choice((_cut, _flip))(scene, path)
    _meet(scene, job, path)
    if scene.outcome.exit_codes[-1] != 0:
        path.unlink(missing_ok=True)  # as the message says
        scene.run_again(job)


def _damage_published(scene: Scene, target: str, damage) -> None:
    pattern, _, stage = target.partition(" for ")
    name = str(scene.random.choice(sorted(scene.root.glob(pattern))).relative_to(scene.root))
    maker = next(job for job in scene.reference.jobs.values() if _publishes(job, scene.reference.root, name))
    reader = scene.random.choice(_readers(scene.reference, stage, name))
    scene.place.remove(reader)
    if stage == "train":
        scene.place.forget_fits(searches=False)
    scene.outcome.injected = damage(scene, scene.root / name) + f", read by {reader.name}"
    _meet(scene, reader, scene.root / name, damaged=name)
    (scene.root / name).unlink(missing_ok=True)
    scene.run_again(maker, reader)


def _meet(scene: Scene, reader: Job, path: Path, damaged: str | None = None) -> None:
    """Run the reader: it must refuse the file by its name, or do as well as with a whole one."""
    command = scene.place.start(reader)
    scene.judge(command, "having met the damage", damaged=[damaged] if damaged else [])
    if scene.outcome.exit_codes[-1] == 2 and not {path.name, path.parent.name} & set(_words(command.text)):
        scene.outcome.crashes += 1
        scene.outcome.note(f"does not name {path.name}: {command.text[-300:]}")
    elif scene.outcome.exit_codes[-1] == 2:
        scene.look("after the refusal", yet_to_come=[reader], damaged=[damaged] if damaged else [])


def _words(text: str) -> list[str]:
    """File and folder names in a message."""
    return [word for part in text.split() for word in part.replace(":", "/").split("/")]


def _killed_with_checkpoints(scene: Scene, job: Job) -> None:
    """The state of a fit that was killed when it had saved its state several times."""
    while True:
        scene.place.remove(job)
        scene.place.forget_fits()
        command = scene.place.start(job)
        wait_for(saves_its_state, scene.root, command)
        wait(0.25 + 0.5 * scene.random.random(), command)
        if command.kill() and any(scene.root.glob("runs/*/*.ckpt.sha256")):
            return


def _publishes(job: Job, root: Path, name: str) -> bool:
    return Path(name) in job.published(root)


def _readers(reference: Reference, stage: str, name: str) -> list[Job]:
    """The jobs of a stage that read the file: of its study, and of its model, raw shard or all."""
    study, *rest = Path(name).parts[1:]
    if stage == "report":
        return reference.of_stage("report")
    ours = [job for job in reference.of_stage(stage) if job.arguments[1] == study]
    if stage == "prepare":
        return [job for job in ours if name in job.arguments]
    own_model = [job for job in ours if rest[0] in ("search", "models") and job.arguments[2] == rest[1]]
    return own_model or ours


def _cut(scene: Scene, path: Path) -> str:
    content = path.read_bytes()
    size = scene.random.randrange(len(content))
    path.write_bytes(content[:size])
    return f"{path.relative_to(scene.root)} cut from {len(content)} to {size} bytes"


def _flip(scene: Scene, path: Path) -> str:
    content = bytearray(path.read_bytes())
    at, bit = scene.random.randrange(len(content)), scene.random.randrange(8)
    content[at] ^= 1 << bit
    path.write_bytes(bytes(content))
    return f"{path.relative_to(scene.root)}: bit {bit} of byte {at} turned"
