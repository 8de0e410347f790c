"""Lists of elements from columns: what exists, what is kept, in which order, as one flat array of features."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bevatron.errors import UserError
from bevatron.expressions import Expression
from bevatron.simulate.mapping.columns import WHERE, Formulas, flat, is_true
from bevatron.simulate.mapping.options import TableGroup


@dataclass(frozen=True)
class FlatLists:
    """Lists, one after another: of each feature the numbers of all elements, (elements,), and lengths (n,) int64; and
    the numbers of all elements of further expressions, by the keys of these.
    """

    features: list[np.ndarray]
    lengths: np.ndarray
    others: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def offsets(self) -> np.ndarray:
        """Where each list begins, and the end: (n + 1,) int64."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)


def make_lists(
    name: str, group: TableGroup, formulas: Formulas, columns: dict[str, Any], n: int, others: Sequence[str] = ()
) -> FlatLists:
    """The lists of the group `name` of n samples; others: keys of further expressions of its elements.

    Raises UserError where its columns do not go together.
    """
    key = f"groups.{name}"
    columns = _without_padding(key, group, formulas, columns, n)
    features = [formulas[f"{key}.features.{feature}"] for feature in group.features]
    flats, lengths = _flatten(key, features, columns, n)
    of_others = {other: _aligned(formulas[other], columns, lengths) for other in others}
    if group.select is None and group.order_by is None and group.max_length is None:
        return FlatLists(flats, lengths, of_others)
    sample = np.repeat(np.arange(n), lengths)
    order = np.arange(len(sample))
    if group.select is not None:
        order = np.flatnonzero(is_true(_aligned(formulas[f"{key}.select"], columns, lengths)))
    if group.order_by is not None:
        by = _aligned(formulas[f"{key}.order_by"], columns, lengths)
        order = order[np.lexsort((by[order], sample[order]))]
    owner = sample[order]
    if group.max_length is not None:
        counts = np.bincount(owner, minlength=n)
        rank = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        order, owner = order[rank < group.max_length], owner[rank < group.max_length]
    lengths = np.bincount(owner, minlength=n).astype(np.int64)
    return FlatLists([flat[order] for flat in flats], lengths, {k: flat[order] for k, flat in of_others.items()})


def _without_padding(
    key: str, group: TableGroup, formulas: Formulas, columns: dict[str, Any], n: int
) -> dict[str, Any]:
    """The columns, with lists of what exists in place of arrays (n, longest)."""
    longest = {values.shape[1] for values in map(np.asarray, _arrays(columns).values())}
    if not longest:
        if group.exists is not None or group.length is not None or group.padding is not None:
            given = "exists" if group.exists is not None else "length" if group.length is not None else "padding"
            raise UserError(f"{WHERE}.{key}.{given}", "no column of this table is padded", "leave it out")
        return columns
    exists = _existing(key, group, formulas, columns, n)
    return {name: _as_lists(values, exists) for name, values in columns.items()}


def _existing(key: str, group: TableGroup, formulas: Formulas, columns: dict[str, Any], n: int) -> np.ndarray | None:
    """Which places of the padded columns hold an element, (n, longest) bool; None: all."""
    if group.exists is not None:
        expression = formulas[f"{key}.exists"]
        return is_true(_places(expression, expression.evaluate(columns)))
    first = formulas[f"{key}.features.{next(iter(group.features))}"]
    if group.length is not None:
        places = np.arange(_places(first, first.evaluate(columns)).shape[1])
        return places < _whole_lengths(formulas[f"{key}.length"], columns, n)[:, None]
    if group.padding is not None:
        values = _places(first, first.evaluate(columns))
        return ~np.isnan(values) if np.isnan(group.padding) else values != group.padding
    return None


def _whole_lengths(expression: Expression, columns: dict[str, Any], n: int) -> np.ndarray:
    """How many elements each sample has, (n,) int64; more than there are places count as all of these."""
    lengths = flat(expression.evaluate(columns), n, expression)
    wrong = ~(lengths >= 0) | (lengths != np.floor(lengths))
    if wrong.any():
        what = f"'{expression.text}' is {lengths[wrong][0]:g} in {int(wrong.sum())} of {n} samples of a step"
        raise UserError(expression.where, what, "a length is an integer from 0; leave these out by selection")
    return np.minimum(lengths, 2**31).astype(np.int64)


def _places(expression: Expression, values: Any) -> np.ndarray:
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return values
    raise UserError(
        expression.where, f"'{expression.text}' is no column that is padded to a fixed length", "see its shape"
    )


def _arrays(columns: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: v for name, v in columns.items() if isinstance(v, np.ndarray) and v.ndim == 2}


def _as_lists(values: Any, exists: np.ndarray | None) -> Any:
    if not isinstance(values, np.ndarray) or values.ndim != 2:
        return values
    import awkward as ak

    if exists is None:
        return ak.from_regular(ak.Array(values), axis=1)
    if exists.shape != values.shape:
        return values  # of another group
    return ak.unflatten(values[exists], exists.sum(axis=1))


def _flatten(
    key: str, features: list[Expression], columns: dict[str, Any], n: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Each feature's values, list after list, and the lists' lengths."""
    import awkward as ak

    values = [expression.evaluate(columns) for expression in features]
    lengths: np.ndarray | None = None
    for expression, column in zip(features, values, strict=True):
        if _is_list(column):
            found = ak.to_numpy(ak.num(column, axis=1)).astype(np.int64)
            if lengths is None:
                lengths = found
            elif not np.array_equal(lengths, found):
                row = int(np.flatnonzero(lengths != found)[0])
                what = f"sample {row} of a step: {found[row]} elements, and {lengths[row]} of '{features[0].text}'"
                raise UserError(expression.where, what, "features of one group have equal lengths")
    if lengths is None:
        raise UserError(f"{WHERE}.{key}.features", "no feature is a list", "set layout: sample")
    return [_flat(e, column, lengths) for e, column in zip(features, values, strict=True)], lengths


def _aligned(expression: Expression, columns: dict[str, Any], lengths: np.ndarray) -> np.ndarray:
    """The expression's value of each element."""
    return _flat(expression, expression.evaluate(columns), lengths)


def _flat(expression: Expression, column: Any, lengths: np.ndarray) -> np.ndarray:
    import awkward as ak

    if _is_list(column):
        flat = ak.to_numpy(ak.flatten(column, axis=1))
        if not np.array_equal(ak.to_numpy(ak.num(column, axis=1)), lengths):
            what = f"'{expression.text}' has lists of other lengths than the features"
            raise UserError(expression.where, what, "name columns of the same list")
        return flat
    return np.repeat(np.broadcast_to(np.asarray(column), len(lengths)), lengths)


def _is_list(column: Any) -> bool:
    return not isinstance(column, np.ndarray | np.generic | int | float | bool | str)
