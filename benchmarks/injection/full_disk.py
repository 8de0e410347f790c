"""A disk that fills in mid-write: a small tmpfs with a few pages left."""

import os
import subprocess
from pathlib import Path

from injection.place import Reference
from injection.scene import Scene
from injection.workflow import Job

STAGES = ("simulate", "prepare", "manifest", "observables", "train", "evaluate", "report_study", "report", "search")
PAGE = 4096
SIZE = "64m"


def targets(reference: Reference) -> list[str]:
    return list(STAGES)


def mount(folder: Path) -> str:
    """Mount a tmpfs at `folder`; the reason if that is not permitted."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        return f"a tmpfs cannot be mounted: {error}"
    return "" if done.returncode == 0 else f"a tmpfs cannot be mounted: {done.stderr.strip()}"


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def fill_disk(scene: Scene, target: str) -> None:
    """A stage on a disk with too few pages left; then space is made, and the same command run again."""
    job = scene.random.choice(scene.reference.of_stage(target))
    scene.place.remove(job)
    if target in ("train", "search"):
        scene.place.forget_fits()
    pages = scene.random.randrange(_pages(job, scene.reference.root))
    filler = scene.root / "filler"
    while True:
        _fill(filler, pages)
        command = scene.place.start(job)
        if command.wait() != 0:
            break
        if pages == 0:
            scene.outcome.note("wrote its files to a full disk")
            return
        scene.place.remove(job)  # it found room enough
        if target in ("train", "search"):
            scene.place.forget_fits()
        pages //= 2
    scene.outcome.injected = f"{job.name} with {pages} pages of {PAGE} bytes left"
    scene.judge(command, "with a full disk")
    scene.look("with a full disk", yet_to_come=[job])
    filler.unlink()
    scene.run_again(job)


def _pages(job: Job, root: Path) -> int:
    return sum(-(-(root / path).stat().st_size // PAGE) for path in job.published(root))


def _fill(filler: Path, pages: int) -> None:
    filler.unlink(missing_ok=True)
    left = os.statvfs(filler.parent)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, (left.f_bavail - pages) * left.f_bsize)
