"""The files of events that an entry of a study's section `apply` names, and the files of scores that become of them."""

from collections.abc import Sequence
from glob import glob
from pathlib import Path

from bevatron.errors import UserError

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def stem_of(path: Path) -> str:
    """The file's name without its endings: of events.csv.gz it is events."""
    name = Path(path.stem) if path.suffix.lower() in COMPRESSED else path
    return name.stem


def application_files(patterns: Sequence[str], where: str) -> dict[str, str]:
    """By stem of its scores, each file that a path or a pattern names, in their order; a path need not exist yet.

    Raises UserError, with the key `where`, for two files whose scores would have one name, and for a name that
    Snakemake cannot pass on.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        is_pattern = any(sign in pattern for sign in "*?[") and not Path(pattern).is_file()
        for name in sorted(glob(pattern, recursive=True)) if is_pattern else [pattern]:
            if any(sign in name for sign in "{}"):
                raise UserError(where, f"'{name}' has braces, which Snakemake takes for a wildcard", "rename the file")
            if found.setdefault(stem_of(Path(name)), name) != name:
                what = f"the scores of '{found[stem_of(Path(name))]}' and of '{name}' would have one name"
                raise UserError(where, what, "make them two entries of apply")
    return found
