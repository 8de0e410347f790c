"""Names that a study uses of what the mapping of its own source defines: known before anything is read."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


def check_mapped_names(source: Any, target: str, classes: Iterable[str]) -> None:
    """Raises ValueError for a target or an order of classes that the source's mapping has not.

    source: options with `targets` by name. target, classes: the task's. Input groups are looked at before a fit.
    """
    _check("task.target", target, source.targets)
    named = list(getattr(source.targets[target], "classes", None) or [])
    if list(classes) and named != list(classes)[: len(named)]:  # a class too many is empty, as the manifest says
        text = f"{', '.join(classes)}; simulation.source.targets.{target}.classes has {', '.join(named)}"
        raise ValueError(f"task.classes: {text}; they are numbered in their order, which must be the same")


def _check(key: str, name: str, known: Iterable[str]) -> None:
    names = list(known)
    if name not in names:
        near = get_close_matches(name, names, n=1)
        todo = f"did you mean '{near[0]}'? " if near else ""
        raise ValueError(f"{key}: simulation.source has no '{name}'; {todo}it has: {', '.join(names)}")
