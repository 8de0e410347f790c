"""Makes a project: a folder with a Snakefile, a configuration with one study, profiles and a README."""

import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from importlib import resources
from pathlib import Path

from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.shipped_files import shipped
from bevatron.store.files.publish import machine_fault

TEMPLATES = {
    "Snakefile": "Snakefile",
    "README.md": "README.md",
    "gitignore": ".gitignore",
    "config.yaml": "config/config.yaml",
    "eights.yaml": "config/studies/eights.yaml",
}
SHIPPED = (
    "config/resources.yaml",
    "profiles/local/config.yaml",
    "profiles/cluster/config.yaml",
    "profiles/htcondor/config.yaml",
    "profiles/site/site.example.yaml",
)
CONFIG, EXAMPLE = Path("config/config.yaml"), "eights"
UNFIT = "{}\n"  # Snakemake takes braces for wildcards, and lists its files line by line


def init_project(folder: Path, studies: Sequence[str] = ()) -> list[Path]:
    """Writes the project's files into `folder`, all or none of them; returns their paths in it.

    studies: some of Bevatron's own by name, which the project gets and lists beside the example. The folder may be
    there and hold other files. Raises UserError where one of the project's own is there already, for an unknown study,
    a path in which Snakemake cannot work, and for faults of the machine.
    """
    target = folder.absolute()
    if bad := [character for character in UNFIT if character in str(target)]:
        what = "its path has braces or a line break, which Snakemake cannot work with"
        raise UserError(folder, what, f"choose a path without {bad[0]!r}")
    files = {Path(name): (resources.files("bevatron.project") / "templates" / template).read_bytes()
             for template, name in TEMPLATES.items()}  # fmt: skip
    files |= {Path(name): shipped(name).read_bytes() for name in SHIPPED} | _ready_studies(studies)
    listed = ", ".join(dict.fromkeys([EXAMPLE, *studies]))
    config = files[CONFIG].decode().replace(f"studies: [{EXAMPLE}]", f"studies: [{listed}]")
    files[CONFIG] = config.encode()
    parents = {target / parent for path in files for parent in path.parents}
    if obstacles := sorted(path for path in parents if _is_there(path) and not path.is_dir()):
        raise UserError(
            obstacles[0], "is a file where a project has a folder", "choose another folder, or move it away"
        )
    if existing := [path for path in files if _is_there(target / path)]:
        more = f", and {len(existing) - 1} more of a project's files" if len(existing) > 1 else ""
        what = f"has a {existing[0]} already{more}"
        raise UserError(folder, what, "choose another folder, or move these files away")
    try:
        _write(target, files)
    except OSError as error:
        raise (machine_fault(error, folder) or error) from error
    return list(files)


def _ready_studies(names: Sequence[str]) -> dict[Path, bytes]:
    """The files of these studies of Bevatron's own, by their paths in a project."""
    folder = shipped("config/studies")
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    for name in names:
        if name not in known:
            what = f"Bevatron has no study '{name}'{did_you_mean(name, known)}"
            raise UserError("--study", what, f"it has: {', '.join(known)}")
    return {Path("config/studies") / f"{name}.yaml": (folder / f"{name}.yaml").read_bytes() for name in names}


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _write(target: Path, files: dict[Path, bytes]) -> None:
    """Writes all files to a staging folder first. A new folder is renamed in one step. Into an existing one the files
    are moved one by one, and removed again if one of them fails.
    """
    new = not target.exists()
    new_parents = [parent for parent in target.parents if not parent.exists()]
    staging = (target.parent if new else target) / f".{target.name}.{secrets.token_hex(4)}.part"
    moved: list[Path] = []
    try:
        for path, content in files.items():
            (staging / path).parent.mkdir(parents=True, exist_ok=True)
            (staging / path).write_bytes(content)
        if new:
            staging.rename(target)
            return
        for path in files:
            for parent in reversed(path.parents):
                if not (target / parent).exists():
                    (target / parent).mkdir()
                    moved.append(target / parent)
            (staging / path).rename(target / path)
            moved.append(target / path)
        shutil.rmtree(staging)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        for path in reversed(moved):
            path.rmdir() if path.is_dir() else path.unlink()
        with suppress(OSError):  # another process may have put something there
            for parent in new_parents:
                parent.rmdir()
        raise
