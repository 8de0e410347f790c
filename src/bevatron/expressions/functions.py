"""The functions that an expression may call: each with its arguments and what it gives, for the documentation too.

Arguments are columns: one value a sample, (n,), or a list of values a sample. A function of single values works on each
element of a list; a function over a list gives one value a sample. Angles are in rad.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bevatron.expressions.wide import widen

INFINITY = float("inf")


@dataclass(frozen=True)
class ArrayFunction:
    """A function of an expression: its signature as the documentation shows it, and what it gives.

    widens: its arguments are reckoned with, and so have a type that holds the result (`wide.widen`).
    """

    signature: str
    gives: str
    call: Callable[..., Any]
    least: int = 1
    most: float = 1
    widens: bool = True

    def takes(self) -> str:
        """How many arguments, in words."""
        if self.least == self.most:
            return f"{self.least} argument{'s' * (self.least > 1)}"
        return f"at least {self.least} arguments" if self.most == INFINITY else f"{self.least} to {self.most} arguments"


def _awkward() -> Any:
    import awkward

    return awkward


def is_list(column: Any) -> bool:
    """Whether the column holds a list of values for each sample."""
    return not isinstance(column, np.ndarray | np.generic | int | float | bool) and column.ndim > 1


def _over_list(name: str) -> Callable[[Any], Any]:
    """A reduction of each list to one value, by awkward's function of that name."""

    def reduce(values: Any) -> Any:
        ak = _awkward()
        return ak.to_numpy(ak.fill_none(getattr(ak, name)(_lists(values, name), axis=1), np.nan))

    return reduce


def _count(values: Any) -> Any:
    ak = _awkward()
    return ak.to_numpy(ak.num(_lists(values, "count"), axis=1))


def _sum(values: Any) -> Any:
    ak = _awkward()
    return ak.to_numpy(ak.sum(_lists(values, "sum"), axis=1))


def _boolean(name: str) -> Callable[[Any], Any]:
    def reduce(values: Any) -> Any:
        ak = _awkward()
        return ak.to_numpy(getattr(ak, name)(_lists(values, name), axis=1))

    return reduce


def _argsort(values: Any, descending: Any = False) -> Any:
    _require_list(values, "argsort")
    return _awkward().argsort(values, axis=1, ascending=not bool(descending), stable=True)


def _first(values: Any) -> Any:
    ak = _awkward()
    return ak.to_numpy(ak.fill_none(ak.firsts(_lists(values, "first"), axis=1), np.nan))


def _lists(values: Any, name: str) -> Any:
    """The column as lists; of one with a fixed number of values a sample, all of these."""
    if isinstance(values, np.ndarray) and values.ndim == 2:
        ak = _awkward()
        return ak.from_regular(ak.Array(values), axis=1)
    _require_list(values, name)
    return values


def _require_list(values: Any, name: str) -> None:
    if not is_list(values):
        raise ValueError(f"{name}() goes over a list of values, and this column has one value a sample")


def side_by_side(columns: list[Any]) -> list[Any]:
    """The columns, those of one value a sample with axes of length one where another has a fixed number of values.

    numpy would align the samples of the one with the values of the other.
    """
    arrays = [column for column in columns if isinstance(column, np.ndarray) and column.ndim]
    most = max((column.ndim for column in arrays), default=1)
    if most == 1 or len(arrays) == 1:
        return columns
    return [
        column.reshape(*column.shape, *[1] * (most - column.ndim))
        if isinstance(column, np.ndarray) and 0 < column.ndim < most
        else column
        for column in columns
    ]


def _where(condition: Any, yes: Any, no: Any) -> Any:
    ak = _awkward()
    yes, no = widen(yes), widen(no)
    if any(is_list(column) for column in (condition, yes, no)):
        condition, yes, no = ak.broadcast_arrays(condition, yes, no)
        return ak.where(condition, yes, no)
    return np.where(condition, yes, no)


def _chained(of_two: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def of_many(*columns: Any) -> Any:
        result = columns[0]
        for column in columns[1:]:
            result = of_two(result, column)
        return result

    return of_many


def _clip(values: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(values, low), high)


def _delta_phi(phi: Any, other: Any) -> Any:
    return np.remainder(phi - other + np.pi, 2 * np.pi) - np.pi


def _delta_r(eta: Any, phi: Any, other_eta: Any, other_phi: Any) -> Any:
    return np.hypot(eta - other_eta, _delta_phi(phi, other_phi))


def _is_in(values: Any, *wanted: Any) -> Any:
    result = values == wanted[0]
    for value in wanted[1:]:
        result = result | (values == value)
    return result


def _stack(*columns: Any) -> np.ndarray:
    if any(is_list(column) or np.ndim(column) > 1 for column in columns):
        raise ValueError("stack() takes columns with one value a sample")
    return np.stack(np.broadcast_arrays(*columns), axis=1)


_OF_ONE_VALUE = {
    "abs": (np.abs, "|x|"),
    "sign": (np.sign, "-1, 0 or 1"),
    "sqrt": (np.sqrt, "square root"),
    "exp": (np.exp, "e to the power of x"),
    "expm1": (np.expm1, "exp(x) - 1, exact for small x"),
    "log": (np.log, "natural logarithm"),
    "log10": (np.log10, "logarithm to the base 10"),
    "log2": (np.log2, "logarithm to the base 2"),
    "log1p": (np.log1p, "log(1 + x), exact for small x"),
    "floor": (np.floor, "largest integer that is not above x"),
    "ceil": (np.ceil, "smallest integer that is not below x"),
    "round": (np.rint, "nearest integer, the even one of two"),
    "sin": (np.sin, "sine"),
    "cos": (np.cos, "cosine"),
    "tan": (np.tan, "tangent"),
    "asin": (np.arcsin, "inverse sine"),
    "acos": (np.arccos, "inverse cosine"),
    "atan": (np.arctan, "inverse tangent"),
    "sinh": (np.sinh, "hyperbolic sine"),
    "cosh": (np.cosh, "hyperbolic cosine"),
    "tanh": (np.tanh, "hyperbolic tangent"),
    "asinh": (np.arcsinh, "inverse hyperbolic sine"),
    "acosh": (np.arccosh, "inverse hyperbolic cosine"),
    "atanh": (np.arctanh, "inverse hyperbolic tangent"),
    "is_finite": (np.isfinite, "true where x is a finite number"),
    "is_nan": (np.isnan, "true where x is not a number"),
}

FUNCTIONS: dict[str, ArrayFunction] = {
    **{name: ArrayFunction(f"{name}(x)", gives, call) for name, (call, gives) in _OF_ONE_VALUE.items()},
    "atan2": ArrayFunction("atan2(y, x)", "angle of the point (x, y)", np.arctan2, 2, 2),
    "hypot": ArrayFunction("hypot(x, y)", "√(x² + y²)", np.hypot, 2, 2),
    "where": ArrayFunction("where(condition, x, y)", "x where the condition holds, else y", _where, 3, 3, False),
    "minimum": ArrayFunction(
        "minimum(x, y, ...)", "the smallest of several columns", _chained(np.minimum), 2, INFINITY
    ),
    "maximum": ArrayFunction("maximum(x, y, ...)", "the largest of several columns", _chained(np.maximum), 2, INFINITY),
    "clip": ArrayFunction("clip(x, low, high)", "x, but not below low nor above high", _clip, 3, 3),
    "is_in": ArrayFunction("is_in(x, a, b, ...)", "true where x is one of the values", _is_in, 2, INFINITY),
    "delta_phi": ArrayFunction("delta_phi(phi1, phi2)", "phi1 - phi2, from -π to π", _delta_phi, 2, 2),
    "delta_r": ArrayFunction("delta_r(eta1, phi1, eta2, phi2)", "√(Δη² + Δφ²)", _delta_r, 4, 4),
    "count": ArrayFunction("count(list)", "length of the list", _count, widens=False),
    "sum": ArrayFunction("sum(list)", "sum over the list; 0 of an empty one", _sum),
    "mean": ArrayFunction("mean(list)", "mean over the list; NaN of an empty one", _over_list("mean")),
    "min": ArrayFunction("min(list)", "smallest value of the list; NaN of an empty one", _over_list("min")),
    "max": ArrayFunction("max(list)", "largest value of the list; NaN of an empty one", _over_list("max")),
    "any": ArrayFunction("any(list)", "true where one of the list is", _boolean("any"), widens=False),
    "all": ArrayFunction("all(list)", "true where all of the list are", _boolean("all"), widens=False),
    "first": ArrayFunction("first(list)", "first value of the list; NaN of an empty one", _first, widens=False),
    "stack": ArrayFunction(
        "stack(x, y, ...)", "columns as one, padded to a fixed length: x is the first of each list", _stack, 1, INFINITY
    ),
    "argsort": ArrayFunction(
        "argsort(list, descending)", "places that sort the list: x[argsort(y)] is x by rising y", _argsort, 1, 2, False
    ),
}
CONSTANTS = {"pi": np.pi, "inf": INFINITY, "nan": float("nan")}
