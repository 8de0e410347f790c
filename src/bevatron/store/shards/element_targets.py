"""Targets of the elements of lists and of the pixels of sparse images: what must hold, and how many are of a class."""

from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.store.shards.columns import Dense, ElementTarget, Ragged, Samples, SparseImages, n_elements, offsets_of

FIX_RECIPE = "fix the source or recipe that made these samples, or the file they came from"
UNLABELLED = -1  # the class number of an element that has no class to learn


def check_element_targets(samples: Samples, path: Path) -> None:
    """Raises UserError, naming `path`, the target and the sample, at the first fault found.

    Faults are: a name that a target of samples has; a dense group; a number of values that differs from the number of
    the group's elements; values that are not signed integers; class numbers outside of the classes.
    """
    for name, target in samples.element_targets.items():
        what = f"target of elements '{name}'"
        if name in samples.targets:
            raise UserError(path, f"{what}: a target of samples has the same name", FIX_RECIPE)
        if target.group not in samples.inputs:
            raise UserError(path, f"{what}: there is no group '{target.group}'", FIX_RECIPE)
        column = samples.inputs[target.group].column
        if isinstance(column, Dense):
            raise UserError(path, f"{what}: the group '{target.group}' has no lists or sparse images", FIX_RECIPE)
        if target.values.shape != (n_elements(column),):
            found = " × ".join(map(str, target.values.shape)) or "one number"
            expected = f"one for each of the {n_elements(column)} elements of '{target.group}'"
            raise UserError(path, f"{what}: found {found} values, expected {expected}", FIX_RECIPE)
        if target.values.dtype.kind != "i":
            raise UserError(path, f"{what}: holds {target.values.dtype}, expected signed integers", FIX_RECIPE)
        if target.classes:
            _check_classes(what, target, column, samples.id, path)


def _check_classes(what: str, target: ElementTarget, lists: Ragged | SparseImages, ids: np.ndarray, path: Path) -> None:
    n, numbers = len(target.classes), target.values
    if len(set(target.classes)) < n or not all(target.classes):
        names = ", ".join(target.classes)
        raise UserError(path, f"{what}: has the class names {names}; each needs one of its own", FIX_RECIPE)
    if numbers.min(initial=0) >= UNLABELLED and numbers.max(initial=0) < n:
        return
    element = int(((numbers < UNLABELLED) | (numbers >= n)).argmax())
    row = int(np.searchsorted(lists.offsets, element, side="right")) - 1
    found = f"element {element - lists.offsets[row]} has the class number {numbers[element]}"
    expected = f"0 to {n - 1}, or {UNLABELLED} for none"
    raise UserError(path, f"{what}, row {row} (sample id {ids[row]}): {found}, expected {expected}", FIX_RECIPE)


def counts_of_images(path: Path, name: str, samples: Samples, classes: tuple[str, ...]) -> dict[str, int]:
    """How many samples have an element of each class of the target `name`, by class. Raises UserError, naming `path`,
    for a target that is not there or has other classes.
    """
    if name not in samples.element_targets:
        known = ", ".join(samples.element_targets) or "none"
        raise UserError(path, f"has no target of elements '{name}', which the task names", f"it has: {known}")
    target = samples.element_targets[name]
    if target.classes != classes:
        found = f"'{name}' has the classes {', '.join(target.classes) or 'none'}; the task's are {', '.join(classes)}"
        raise UserError(path, found, "give the task the dataset's classes, in their order")
    offsets = offsets_of(samples.inputs[target.group].column)
    sample = np.repeat(np.arange(len(samples)), np.diff(offsets))
    return {label: len(np.unique(sample[target.values == k])) for k, label in enumerate(classes)}


def counts_of_elements(samples: Samples) -> dict[str, dict[str, int]]:
    """The number of elements of each class, for each target with classes."""
    return {name: _counts(target) for name, target in samples.element_targets.items() if target.classes}


def _counts(target: ElementTarget) -> dict[str, int]:
    known = target.values[target.values != UNLABELLED]
    counts = np.bincount(known, minlength=len(target.classes))
    return dict(zip(target.classes, counts.tolist(), strict=True))
