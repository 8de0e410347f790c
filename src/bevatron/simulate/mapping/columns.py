"""The columns of a step of rows, with derived ones, as expressions see them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from bevatron.expressions import Expression, parse
from bevatron.simulate.mapping.options import Mapping

WHERE = "simulation.source"
ENTRY = "entry"  # the number of a row in its file, where the file has no column of this name


class Formulas:
    """All expressions of a mapping, parsed once: by the key that holds each."""

    def __init__(self, mapping: Mapping):
        self._parsed: dict[str, Expression] = {}
        self.shift = {name: self._add(f"shift.{name}", text) for name, text in mapping.shift.items()}
        self.derived = {name: self._add(f"derived.{name}", text) for name, text in mapping.derived.items()}
        for key, text in _texts(mapping):
            self._add(key, text)
        cuts = [self._parsed[key] for key in ("selection", "test_selection") if key in self._parsed]
        asks = ("is_finite", "is_nan")  # a selection with these knows of what it leaves out
        self.cut_on = {name for cut in cuts if not any(word in cut.text for word in asks) for name in cut.names}
        self.names_entry = any(ENTRY in expression.names for expression in self._parsed.values())
        self._images = [group.column for group in mapping.groups.values() if group.column is not None]

    def _add(self, key: str, text: str) -> Expression:
        self._parsed[key] = parse(text, f"{WHERE}.{key}")
        return self._parsed[key]

    def __getitem__(self, key: str) -> Expression:
        return self._parsed[key]

    def columns_read(self) -> list[str]:
        """Columns of the file that the expressions need, in the order of their first use."""
        names = [name for expression in self._parsed.values() for name in expression.names] + list(self.shift)
        return [name for name in dict.fromkeys([*names, *self._images]) if name not in self.derived]

    def with_derived(self, columns: dict[str, Any]) -> dict[str, Any]:
        """The columns, shifted where the mapping says so, and the derived ones, each of which sees those before it."""
        complete = {**columns, **{name: shifted.evaluate(columns) for name, shifted in self.shift.items()}}
        for name, expression in self.derived.items():
            complete[name] = expression.evaluate(complete)
        return complete


def _texts(mapping: Mapping) -> Iterable[tuple[str, str]]:
    for key in ("selection", "test_selection", "weight"):
        if (text := getattr(mapping, key)) is not None:
            yield key, text
    for name, text in mapping.splits.items():
        yield f"splits.{name}", text
    for number, text in enumerate(mapping.id):
        yield f"id.{number}", text
    for name, text in mapping.observers.items():
        yield f"observers.{name}", text
    for name, group in mapping.groups.items():
        for feature, text in group.features.items():
            yield f"groups.{name}.features.{feature}", text
        for key in ("exists", "length", "select", "order_by"):
            if (text := getattr(group, key)) is not None:
                yield f"groups.{name}.{key}", text
    for name, target in mapping.targets.items():
        if target.value is not None:
            yield f"targets.{name}.value", target.value
        if target.element_index is not None:
            yield f"targets.{name}.element_index", target.element_index
        for key in ("values", "classes", "labels", "element_classes"):
            for part, text in (getattr(target, key) or {}).items():
                yield f"targets.{name}.{key}.{part}", text


def select_rows(columns: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """The columns' values at these rows, which rise: all rows are the columns as they are."""
    constant = {name for name, values in columns.items() if np.isscalar(values)}  # derived from no column
    if all(len(rows) == len(values) for name, values in columns.items() if name not in constant):
        return columns
    return {name: values if name in constant else values[rows] for name, values in columns.items()}


def is_true(values: np.ndarray) -> np.ndarray:
    """Which numbers are not 0; NaN is not true, as it fails comparisons."""
    return (values != 0) & (values == values)


def flat(values: Any, n: int, expression: Expression) -> np.ndarray:
    """One number a sample, (n,); a constant counts for all. Raises UserError for lists and texts."""
    from bevatron.errors import UserError

    array = values if isinstance(values, np.ndarray | np.generic | int | float | bool) else None
    if array is None:
        raise UserError(
            expression.where, f"'{expression.text}' is a list of values in each sample", "reduce it: sum(...)"
        )
    array = np.asarray(array)
    if array.dtype.kind not in "biuf":
        raise UserError(expression.where, f"'{expression.text}' is a text", "compare it: name == 'text'")
    if array.ndim > 1:
        shape = " × ".join(map(str, array.shape[1:]))
        raise UserError(
            expression.where, f"'{expression.text}' has {shape} values in each sample", "name one: `x.0`, `x.1`"
        )
    return np.broadcast_to(array, n)
