"""Values that are not finite, and what becomes of them."""

from typing import NamedTuple

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.mapping.columns import WHERE
from bevatron.simulate.mapping.options import Mapping, Missing
from bevatron.store.shards.contract import INDICATOR_OF

REFUSE = Missing()
INDICATOR = "_missing"  # of the name of a feature that is 1 where another was missing


class Filled(NamedTuple):
    """Features without missing values: values (rows, n_features) float32, and their names, indicators among them.

    definitions say what the indicators are, so that the recipe finds them; empty without any.
    """

    values: np.ndarray
    features: tuple[str, ...]
    definitions: tuple[str, ...]


def policy_of(mapping: Mapping, group: str, feature: str) -> Missing:
    """The feature's own policy, or its group's, or that of all."""
    for key in (f"{group}.{feature}", group, "all"):
        if key in mapping.missing:
            return mapping.missing[key]
    return REFUSE


def fill(mapping: Mapping, group: str, features: list[str], values: np.ndarray, place: str) -> Filled:
    """`values` (rows, n_features) float64 with each missing one treated as its feature's policy says.

    A mean is filled in by the recipe, which knows all of the training split; until then it is 0. `place` says where the
    rows are from. Raises UserError, with the feature, for a missing value whose policy is to refuse it.
    """
    columns, names, definitions = [], [], []
    for k, feature in enumerate(features):
        column, policy = values[:, k], policy_of(mapping, group, feature)
        with np.errstate(over="ignore"):
            single = column.astype(np.float32)
        missing = ~np.isfinite(single)
        for value in policy.values:
            missing |= column == value
        if missing.any() and policy.policy == "refuse":
            raise _refusal(column, missing, group, feature, place)
        single[missing] = policy.constant if policy.policy == "constant" else 0.0
        columns.append(single)
        names.append(feature)
        definitions.append("")
        if policy.policy == "mean":
            columns.append(missing.astype(np.float32))
            names.append(feature + INDICATOR)
            definitions.append(INDICATOR_OF.format(feature=feature))
    stacked = np.column_stack(columns) if columns else np.zeros((len(values), 0), np.float32)
    return Filled(stacked, tuple(names), tuple(definitions) if any(definitions) else ())


def names_of(mapping: Mapping, group: str) -> tuple[str, ...]:
    """The names of the group's features, indicators among them."""
    names: list[str] = []
    for feature in mapping.groups[group].features:
        names.append(feature)
        if policy_of(mapping, group, feature).policy == "mean":
            names.append(feature + INDICATOR)
    return tuple(names)


def _refusal(column: np.ndarray, missing: np.ndarray, group: str, feature: str, place: str) -> UserError:
    first = int(missing.argmax())
    value = float(column[first])
    reason = "more than a 32-bit number holds" if np.isfinite(value) else "no finite number"
    what = f"'{group}.{feature}' is {value:g}, {reason}, in {int(missing.sum())} of {len(column)} values"
    todo = f"set {WHERE}.missing ({group}.{feature}: constant or mean), or leave these samples out by selection"
    return UserError(place, what, todo)
