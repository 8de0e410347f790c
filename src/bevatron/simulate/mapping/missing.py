"""Values that are not finite, and what becomes of them."""

from typing import NamedTuple, Protocol

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.mapping.columns import WHERE
from bevatron.simulate.mapping.options import Mapping, Missing

REFUSE = Missing()
INDICATOR = "_missing"  # of the name of a feature that is 1 where another was missing


class HasMissing(Protocol):
    """Options that say what becomes of missing values: by `group.feature`, by group, or for 'all'."""

    missing: dict[str, Missing]


class Filled(NamedTuple):
    """Features without missing values: values (rows, n_features) float32, and their names, indicators among them."""

    values: np.ndarray
    features: tuple[str, ...]


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
    values: np.ndarray,
    place: str,
    entries: np.ndarray | None = None,
    policies: str = "constant or mean",
) -> Filled:
    """`values` (rows, n_features) float64 with each missing one treated as its feature's policy says.

    A mean is filled in by the recipe, which knows all of the training split; until then it is 0. `place` says where the
    rows are from, `entries` (rows,) which entry of the file each is of, `policies` what a study may set. Raises
    UserError, with the feature, for a missing value whose policy is to refuse it.
    """
    columns, names = [], []
    for k, feature in enumerate(features):
        column, policy = values[:, k], policy_of(mapping, group, feature)
        with np.errstate(over="ignore"):
            single = column.astype(np.float32)
        missing = ~np.isfinite(single)
        for value in policy.values:
            missing |= column == value
        if missing.any() and policy.policy == "refuse":
            raise _refusal(column, missing, f"{group}.{feature}", place, entries, policies)
        single[missing] = policy.constant if policy.policy == "constant" else 0.0
        columns.append(single)
        names.append(feature)
        if policy.policy == "mean":
            columns.append(missing.astype(np.float32))
            names.append(feature + INDICATOR)
    return Filled(np.column_stack(columns) if columns else np.zeros((len(values), 0), np.float32), tuple(names))


def names_of(mapping: Mapping, group: str) -> tuple[str, ...]:
    """The names of the group's features, indicators among them."""
    names: list[str] = []
    for feature in mapping.groups[group].features:
        names.append(feature)
        if policy_of(mapping, group, feature).policy == "mean":
            names.append(feature + INDICATOR)
    return tuple(names)


def _refusal(
    column: np.ndarray, missing: np.ndarray, name: str, place: str, entries: np.ndarray | None, policies: str
) -> UserError:
    first = int(missing.argmax())
    value = float(column[first])
    too_large = np.isfinite(value) and abs(value) > float(np.finfo(np.float32).max)
    reason = "no finite number" if not np.isfinite(value) else "a value that stands for a missing one"
    reason = "more than a 32-bit number holds" if too_large else reason
    what = f"'{name}' is {value:g}, {reason}, in {int(missing.sum())} of {len(column)} values"
    if entries is not None:
        what += f", first in entry {entries[first]}"
    todo = f"set {WHERE}.missing ({name}: {policies}), or leave these samples out by selection"
    return UserError(place, what, todo)
