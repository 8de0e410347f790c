"""Values that are not finite, and what becomes of them."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.mapping.columns import WHERE
from bevatron.simulate.mapping.options import Mapping, Missing
from bevatron.store.shards.contract import INDICATOR_OF

REFUSE = Missing()
BLOCK_ROWS = 4096
INDICATOR = "_missing"  # of the name of a feature that is 1 where another was missing


class HasMissing(Protocol):
    """Options that say what becomes of missing values: by `group.feature`, by group, or for 'all'."""

    missing: dict[str, Missing]


class Filled(NamedTuple):
    """Features without missing values: values (rows, n_features) float32, and their names, indicators among them.

    definitions say what the indicators are, so that the recipe finds them; empty without any.
    """

    values: np.ndarray
    features: tuple[str, ...]
    definitions: tuple[str, ...]


def policy_of(mapping: HasMissing, group: str, feature: str) -> Missing:
    """The feature's own policy, or its group's, or that of all."""
    for key in (f"{group}.{feature}", group, "all"):
        if key in mapping.missing:
            return mapping.missing[key]
    return REFUSE


def fill(
    mapping: HasMissing,
    group: str,
    features: list[str],
    columns: list[np.ndarray],
    place: str,
    entry_of: Callable[[int], int] | None = None,
    policies: str = "constant or mean",
) -> Filled:
    """The `columns` of numbers, (rows,) each, with each missing value treated as its feature's policy says.

    A mean is filled in by the recipe, which knows all of the training split; until then it is 0. `place` says where the
    rows are from, `entry_of` gives the entry of the file that a row is of, `policies` what a study may set. Raises
    UserError, with the feature, for a missing value whose policy is to refuse it.
    """
    filled, names, definitions = [], [], []
    for feature, column in zip(features, columns, strict=True):
        policy = policy_of(mapping, group, feature)
        with np.errstate(over="ignore"):
            single = column.astype(np.float32, copy=False)
        missing = ~np.isfinite(single)
        for value in policy.values:
            missing |= column == np.float64(value)  # in 64 bits, whatever the column has
        if missing.any():
            if policy.policy == "refuse":
                raise _refusal(column, missing, f"{group}.{feature}", place, entry_of, policies)
            single = np.where(missing, np.float32(policy.constant if policy.policy == "constant" else 0.0), single)
        filled.append(single)
        names.append(feature)
        definitions.append("")
        if policy.policy == "mean":
            filled.append(missing.astype(np.float32))
            names.append(feature + INDICATOR)
            definitions.append(INDICATOR_OF.format(feature=feature))
    return Filled(_side_by_side(filled), tuple(names), tuple(definitions) if any(definitions) else ())


def _side_by_side(columns: list[np.ndarray]) -> np.ndarray:
    """(rows, columns) float32 in C order, by blocks of rows that stay in the processor's cache."""
    values = np.empty((len(columns[0]), len(columns)), np.float32)
    for start in range(0, len(values), BLOCK_ROWS):
        block = values[start : start + BLOCK_ROWS]
        for number, column in enumerate(columns):
            block[:, number] = column[start : start + BLOCK_ROWS]
    return values


def names_of(mapping: Mapping, group: str) -> tuple[str, ...]:
    """The names of the group's features, indicators among them."""
    names: list[str] = []
    for feature in mapping.groups[group].features:
        names.append(feature)
        if policy_of(mapping, group, feature).policy == "mean":
            names.append(feature + INDICATOR)
    return tuple(names)


def _refusal(
    column: np.ndarray,
    missing: np.ndarray,
    name: str,
    place: str,
    entry_of: Callable[[int], int] | None,
    policies: str,
) -> UserError:
    first = int(missing.argmax())
    value = float(column[first])
    too_large = np.isfinite(value) and abs(value) > float(np.finfo(np.float32).max)
    reason = "no finite number" if not np.isfinite(value) else "a value that stands for a missing one"
    reason = "more than a 32-bit number holds" if too_large else reason
    what = f"'{name}' is {value:g}, {reason}, in {int(missing.sum())} of {len(column)} values"
    if entry_of is not None:
        what += f", first in entry {entry_of(first)}"
    todo = f"set {WHERE}.missing ({name}: {policies}), or leave these samples out by selection"
    return UserError(place, what, todo)
