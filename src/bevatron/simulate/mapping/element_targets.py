"""Targets of the elements of lists, from the expressions of a mapping."""

from collections.abc import Callable, Mapping

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.mapping.columns import WHERE
from bevatron.simulate.mapping.options import OF_ELEMENTS, TableTarget
from bevatron.store.shards.columns import ElementTarget
from bevatron.store.shards.element_targets import UNLABELLED

LARGEST = 2**31  # numbers of vertices are below this, because they are stored in 32 bits


def keys_of(targets: Mapping[str, TableTarget], group: str) -> dict[str, list[str]]:
    """The keys of the expressions of each target of elements of the group."""
    keys = {}
    for name, target in targets.items():
        if target.form in OF_ELEMENTS and target.group == group:
            parts = [f".{part}" for part in target.element_classes] if target.element_classes is not None else [""]
            keys[name] = [f"targets.{name}.{target.form}{part}" for part in parts]
    return keys


def make_element_target(
    name: str, target: TableTarget, values: list[np.ndarray], entry_of: Callable[[int], int], place: str
) -> ElementTarget:
    """Makes the target of all elements, in their order.

    values: for each expression its value for each element, (elements,); entry_of: gives the entry of an element in the
    file `place`. Raises UserError for an element of several classes, for an element of none if that is an error, and
    for an index that is not an integer.
    """
    if (group := target.group) is None:
        raise ValueError(f"'{name}' is no target of elements")
    where = f"{place}: targets.{name}"
    for of_class, value in zip(target.element_classes or ("",), values, strict=True):
        if (bad := np.flatnonzero(value != value)).size:
            what = f"is NaN for {len(bad)} elements, first in entry {entry_of(int(bad[0]))}"
            todo = f"leave them out by {WHERE}.groups.{group}.select"
            raise UserError(where, f"'{of_class}' {what}" if of_class else what, todo)
    if target.element_classes is None:
        return ElementTarget(group, _whole_numbers(values[0], where, entry_of))
    return ElementTarget(group, _class_numbers(name, target, values, where, entry_of), target.class_names)


def _class_numbers(
    name: str, target: TableTarget, values: list[np.ndarray], where: str, entry_of: Callable[[int], int]
) -> np.ndarray:
    member = np.column_stack([value != 0 for value in values])
    counts = member.sum(axis=1)
    if (several := np.flatnonzero(counts > 1)).size:
        named = [part for part, true in zip(target.class_names, member[several[0]], strict=True) if true]
        what = f"an element of entry {entry_of(int(several[0]))} is of the classes {' and '.join(named)}"
        raise UserError(where, what, f"make {WHERE}.targets.{name}.element_classes exclude one another")
    none = counts == 0
    if none.any() and target.others == "refuse":
        what = f"{none.sum()} elements are of none of the classes {', '.join(target.class_names)}, first one in entry "
        what += str(entry_of(int(none.argmax())))
        raise UserError(where, what, f"add a class, set {WHERE}.targets.{name}.others: drop, or leave them out")
    return np.where(none, UNLABELLED, member.argmax(axis=1)).astype(np.int16)


def _whole_numbers(values: np.ndarray, where: str, entry_of: Callable[[int], int]) -> np.ndarray:
    """The values as (elements,) int32; all negative numbers mean none and become -1."""
    numbers = values.astype(np.float64)
    bad = (numbers != np.rint(numbers)) | (numbers >= LARGEST)
    if bad.any():
        at = int(bad.argmax())
        what = f"is {numbers[at]:.17g} for an element of entry {entry_of(at)}, no integer below 2^31"
        raise UserError(where, what, "number the vertices of each sample from 0")
    return np.where(numbers < 0, UNLABELLED, numbers).astype(np.int32)
