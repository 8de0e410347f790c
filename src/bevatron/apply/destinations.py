"""Which files of scores are written, for which files of events."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bevatron.config.loading.application_files import stem_of
from bevatron.errors import UserError
from bevatron.regular_files import is_file, is_folder, is_there

Format = Literal["root", "parquet", "h5", "csv"]
SUFFIXES: dict[str, Format] = {".root": "root", ".parquet": "parquet", ".h5": "h5", ".hdf5": "h5", ".csv": "csv"}


@dataclass(frozen=True)
class Destination:
    """One file of scores, and the files of events whose scores it holds, in their order."""

    path: Path
    format: Format
    files: tuple[Path, ...]


def destinations(files: list[Path], output: Path, kind: Format | None, overwrite: bool) -> list[Destination]:
    """One file for all where `output` ends as a known format does; else a folder with one for each.

    Raises UserError for files that would share an output, an output that exists, and one that is an input.
    """
    if not files:
        raise UserError("FILES", "there is none", "name one at least")
    suffix = SUFFIXES.get(output.suffix.lower())
    if suffix is not None and not is_folder(output):
        if kind not in (None, suffix):
            raise UserError(
                output, f"ends as {suffix}, and the format is {kind}", "leave --format out, or name a folder"
            )
        found = [Destination(output, suffix, tuple(files))]
    else:
        if is_file(output):
            todo = f"end it with one of {', '.join(SUFFIXES)}, or name a folder"
            raise UserError(output, "is a file of no known format", todo)
        chosen = kind or "root"
        found = [Destination(output / f"{stem_of(file)}.{chosen}", chosen, (file,)) for file in files]
    names: dict[Path, Path] = {}
    for destination in found:
        if (other := names.setdefault(destination.path, destination.files[0])) is not destination.files[0]:
            what = f"would hold the scores of {other} and of {destination.files[0]}"
            raise UserError(destination.path, what, "write them to different folders, or all to one file")
    for destination in found:
        _check_new(destination.path, files, overwrite)
    return found


def _check_new(path: Path, inputs: list[Path], overwrite: bool) -> None:
    if not is_there(path):
        return
    if any(is_there(file) and path.samefile(file) for file in inputs):
        raise UserError(path, "is one of the files to be read", "write the scores to another file")
    refuse_existing(path, overwrite)


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raises UserError for a file that is there and must not be replaced."""
    if not overwrite and is_there(path):
        raise UserError(path, "exists", "remove it, name another output, or give --overwrite")
