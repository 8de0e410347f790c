"""Groups of lists: columns whose elements belong together."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bevatron.draft.contents import NamedExpression
from bevatron.draft.families import Family, find_families
from bevatron.draft.names import as_expression
from bevatron.draft.padding import Padding, find_padding
from bevatron.draft.sample import Sample

PARTS_OF_A_SAMPLE = 8  # an array of up to so many numbers, not padded, is several numbers of the sample
MOST_FEATURES = 32  # of an element: more numbers in the last axis are no features


@dataclass
class ListColumns:
    """Columns that make one group: flat values of what exists, by column, and how they are read."""

    stem: str
    flat: dict[str, np.ndarray]
    expressions: dict[str, str]
    lengths: np.ndarray
    padding: Padding | None = None
    longest: int = 0
    derived: list[NamedExpression] = field(default_factory=list)
    members: list[str] = field(default_factory=list)  # columns of the files that it takes
    comments: list[str] = field(default_factory=list)


def find_lists(sample: Sample) -> list[ListColumns]:
    """All groups of lists: list columns, padded arrays, and families of numbered columns."""
    return [*_of_list_columns(sample), *_of_arrays(sample), *_of_families(sample)]


def _of_list_columns(sample: Sample) -> list[ListColumns]:
    import awkward as ak

    groups: dict[tuple, list[str]] = defaultdict(list)
    lengths: dict[tuple, np.ndarray] = {}
    for name, column in sample.columns.items():
        if column.kind != "list" or as_expression(name) is None:
            continue
        counts = ak.to_numpy(ak.num(sample.values[name], axis=1)).astype(np.int64)
        key: tuple = (counts.tobytes(), _stem([name]) if counts.sum() == 0 or sample.n < 5 else "")
        groups[key].append(name)
        lengths[key] = counts
    found = []
    for key, names in groups.items():
        flat = {name: ak.to_numpy(ak.flatten(sample.values[name], axis=1)) for name in names}
        found.append(
            ListColumns(
                _stem(names), flat, {name: as_expression(name) or "" for name in names}, lengths[key], members=names
            )
        )
    return found


def _of_arrays(sample: Sample) -> list[ListColumns]:
    groups: dict[tuple, list[str]] = defaultdict(list)
    for name, column in sample.columns.items():
        if as_expression(name) is None:
            continue
        if column.kind == "array" and len(column.shape) == 1:
            groups[column.shape[0], name.rpartition(".")[0]].append(name)
        elif is_table_of_elements(column.shape):
            groups[column.shape[0], name, "parts"].append(name)
    found = []
    for key, names in groups.items():
        if len(key) == 3:
            name, n_features = names[0], sample.columns[names[0]].shape[1]
            arrays = {f"{name}.{k}": sample.values[name][..., k] for k in range(n_features)}
            stem = name
        else:
            arrays = {name: sample.values[name] for name in names}
            stem = _stem(names)
        expressions = {name: as_expression(name) or "" for name in arrays}
        padding = find_padding(arrays, expressions)
        if not padding.expression and key[0] <= PARTS_OF_A_SAMPLE and len(key) == 2:
            continue  # parts of the sample
        found.append(_padded(stem, arrays, expressions, padding, names))
    return found


def is_table_of_elements(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape holds elements with a few numbers each, and is no image."""
    return len(shape) == 2 and shape[1] <= MOST_FEATURES and shape[0] != shape[1] and shape[0] > 1


def _of_families(sample: Sample) -> list[ListColumns]:
    numbers = [name for name, column in sample.columns.items() if column.kind == "number"]
    found = []
    for families in find_families(numbers):
        names = _names_of(families, set(sample.columns))
        arrays = {
            names[family]: np.stack([sample.values[member] for member in family.members], axis=1) for family in families
        }
        expressions = {name: as_expression(name) or "" for name in arrays}
        padding = find_padding(arrays, expressions)
        if len(families) == 1 and not padding.expression:
            continue  # so many numbers of the sample
        members = [member for family in families for member in family.members]
        lists = _padded(_stem([family.stem for family in families]), arrays, expressions, padding, members)
        lists.derived = [
            NamedExpression(names[family], family.expression, f"{len(family.members)} columns as lists")
            for family in families
        ]
        found.append(lists)
    return found


def _names_of(families: list[Family], taken: set[str]) -> dict[Family, str]:
    names: dict[Family, str] = {}
    for family in families:
        name = family.stem
        while name in taken:
            name += "_list"
        taken.add(name)
        names[family] = name
    return names


def _padded(
    stem: str, arrays: dict[str, np.ndarray], expressions: dict[str, str], padding: Padding, members: list[str]
) -> ListColumns:
    exists = padding.exists
    flat = {name: values[exists] for name, values in arrays.items() if name != padding.flag}
    lists = ListColumns(stem, flat, expressions, exists.sum(axis=1), padding, exists.shape[1], members=members)
    lists.comments.append(f"padded to {exists.shape[1]} elements")
    if not padding.expression:
        lists.comments.append("no padding found: all elements are taken to exist")
    elif padding.value != "flag":
        lists.comments.append(f"LOOK: padding found by values, {padding.value} behind the last element")
    if not padding.complete:
        lists.comments.append("LOOK: some columns are not padded where `exists` says so")
    return lists


def _stem(names: Iterable[str]) -> str:
    """What the names begin with, up to the last _ or dot that they share."""
    names = list(names)
    start = names[0]
    for name in names[1:]:
        while not name.startswith(start):
            start = start[:-1]
    cut = max(start.rfind("_"), start.rfind("."))
    return start[:cut].strip("_.") if cut > 0 else ""


def flat_values(values: Any) -> np.ndarray:
    """All numbers of a column, one after another."""
    return np.asarray(values).reshape(-1)
