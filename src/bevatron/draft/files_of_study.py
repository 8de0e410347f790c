"""The keys of a study that say which files are read, and how."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bevatron.draft.sample import Sample

SPLIT = re.compile(r"(?:^|[^a-zA-Z])(train|training|val|valid|validation|test|testing)(?![a-zA-Z])", re.IGNORECASE)
SPLITS = {"tr": "train", "va": "val", "te": "test"}
MOST_LISTED = 50  # files that are named one by one, where a pattern would do


def files_of_study(paths: Sequence[Path]) -> list[str] | dict[str, list[str]]:
    """The paths; by split where all their names say train, val and test; many as patterns."""
    by_split: dict[str, list[Path]] = {"train": [], "val": [], "test": []}
    for path in paths:
        found = SPLIT.findall("/".join(path.parts[-2:]))
        if not found:
            return _texts(paths)
        by_split[SPLITS[found[-1][:2].lower()]].append(path)
    if not all(by_split.values()):
        return _texts(paths)
    return {split: _texts(parts) for split, parts in by_split.items()}


def _texts(paths: Sequence[Path]) -> list[str]:
    if len(paths) <= MOST_LISTED:
        return [_escaped(path) for path in paths]
    folders = {(path.parent, path.suffix) for path in paths}
    patterns = []
    for folder, suffix in sorted(folders):
        inside = sorted(path for path in paths if path.parent == folder and path.suffix == suffix)
        pattern = folder / f"*{suffix}"
        if "[" in str(folder) or sorted(folder.glob(f"*{suffix}")) != inside:
            return [_escaped(path) for path in paths]
        patterns.append(pattern.as_posix())
    return patterns


def _escaped(path: Path) -> str:
    """The path as the study's file means it: `*`, `?` and `[` are signs of a pattern there."""
    return re.sub(r"([*?\[])", r"[\1]", path.as_posix())


def reading_of(sample: Sample) -> dict[str, Any]:
    """The keys of the source that say how the files are read."""
    options, keys = sample.options, dict[str, Any]()
    if options.format is not None:
        keys["format"] = options.format
    if options.tree:
        keys["tree"] = options.tree
    if sample.format == "csv":
        if options.separator != ",":
            keys["separator"] = "tab" if options.separator == "\t" else options.separator
        if not options.header:
            keys["header"] = False
        if options.names:
            keys["names"] = list(options.names)
    return keys
