"""Files of one class each: their classes by their names."""

import re
from collections.abc import Sequence
from pathlib import Path

from bevatron.draft.candidates import likely_signal
from bevatron.draft.contents import NamedExpression, TargetDraft
from bevatron.draft.files_of_study import SPLIT
from bevatron.draft.names import as_name

MOST_CLASSES = 20


def classes_of_files(paths: Sequence[Path]) -> TargetDraft | None:
    """The target of files such as `signal_0.root, signal_1.root, wjets.root`: names without their numbers are classes.

    None where all names are the same but for numbers, where they say train or test, and where there are too many.
    """
    by_stem: dict[str, list[Path]] = {}
    for path in paths:
        by_stem.setdefault(_without_numbers(path), []).append(path)
    if not 2 <= len(by_stem) <= MOST_CLASSES or "" in by_stem or any(SPLIT.search(stem) for stem in by_stem):
        return None
    entries: list[NamedExpression] = []
    for stem, members in by_stem.items():
        pattern = f"{_escaped(stem)}*"
        others = [path for path in paths if path not in members and path.match(pattern)]
        plain = members[0].name if len(members) == 1 else f"{_escaped(stem)}[0-9_-]*"
        expression = plain if others or len(members) == 1 else pattern
        name = as_name(stem, {entry.name for entry in entries}, "class")
        entries.append(NamedExpression(name, expression, f"{len(members)} file{'s' if len(members) > 1 else ''}"))
    target = TargetDraft("process", "classes", entries, by_file=True)
    target.signal = likely_signal([entry.name for entry in entries])
    target.comments.append("LOOK: no column looks like a label of classes; these are the classes of the files' names")
    return target


def _without_numbers(path: Path) -> str:
    """The file's name without its endings, and without numbers at its end."""
    return re.sub(r"[-_.]*[0-9]+$", "", path.name.split(".")[0])


def _escaped(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)
