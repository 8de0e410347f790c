"""Studies that are left out where somebody else's files, which they read, are not there."""

from itertools import chain
from pathlib import Path

from bevatron.config.sections.data_part import DataPart
from bevatron.config.sections.simulation import Simulation
from bevatron.errors import UserError
from bevatron.regular_files import is_file


def missing_data_of(study: DataPart) -> str | None:
    """Why the study is left out, in words; None for one whose files are there, or that may not be left out."""
    return missing_files(study.simulation) if study.optional else None


def missing_files(simulation: Simulation) -> str | None:
    """What is missing of the files that a simulation reads, in words; None where all are there, or it reads none."""
    files = getattr(simulation.source, "files_by_shard", None)
    if files is None:
        return None
    resolve_files, asked = getattr(simulation.source, "resolve_files", None), simulation.asked_shards
    try:
        paths = resolve_files() if resolve_files and asked is None else chain.from_iterable(files(asked or 1))
        for path in paths:
            if not is_file(Path(path)):
                return f"{path}: no such file"
    except UserError as error:
        return str(error).split(";")[0]
    return None
