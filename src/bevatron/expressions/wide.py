"""Arithmetic that does not leave its type: of a sum of two bytes, and of integers whose product has over 64 bits.

numpy keeps the type of its operands and wraps around: of bytes 200 + 100 is 44, the sum of two truth values is a truth
value, and the square root of a byte has 11 bits. Files of physics have such columns: hits, charges, flags.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

MODULAR = (np.add, np.subtract, np.multiply)
SIGNED, UNSIGNED = (-(2**63), 2**63 - 1), (0, 2**64 - 1)


def widen(value: Any) -> Any:
    """The column in the type that it is reckoned with: int64 of truth values and short integers, float32 of float16.

    Unsigned integers of 64 bits become int64 where all of them fit, and else stay what they are. Lists stay lists.
    """
    if isinstance(value, bool | np.bool_):
        return int(value)
    dtype = _dtype(value)
    if dtype is None or dtype.kind not in "biuf":
        return value
    if dtype.kind == "f":
        return _cast(value, np.float32) if dtype.itemsize < 4 else value
    if dtype == np.uint64:
        return _cast(value, np.int64) if _bounds(value)[1] <= SIGNED[1] else value
    return value if dtype == np.int64 else _cast(value, np.int64)


def reckon(operation: Callable[..., Any], *operands: Any) -> Any:
    """The operation of widened operands; of integers whose result may have over 64 bits, in floating point."""
    operands = tuple(widen(operand) for operand in operands)
    if not all(_is_integer(operand) for operand in operands):
        return operation(*operands)
    bounds = [_bounds(operand) for operand in operands]
    low, high = _result_bounds(operation, bounds)
    if _fits(low, high, bounds, SIGNED):
        return operation(*operands)
    if _fits(low, high, bounds, UNSIGNED):
        return operation(*(_cast(operand, np.uint64) for operand in operands))
    floating = operation(*(_cast(operand, np.float64) for operand in operands))
    if operation not in MODULAR or any(isinstance(operand, int) and operand > SIGNED[1] for operand in operands):
        return floating
    # Integers wrap around by 2^64, and so are right where the result has 63 bits; floats round before they cancel.
    whole = operation(*(_cast(operand, np.int64) for operand in operands))
    return _where(np.abs(floating) < 2.0**62, whole, floating)


def _where(condition: Any, yes: Any, no: Any) -> Any:
    if isinstance(condition, np.ndarray | np.generic):
        return np.where(condition, yes, no)
    import awkward as ak

    return ak.where(condition, yes, no)


def _result_bounds(operation: Callable[..., Any], bounds: list[tuple[int, int]]) -> tuple[int, int]:
    """No result is outside of these; an impossible pair where the operation is none of integers."""
    (low, high), *others = bounds
    if not others:
        return (-high, -low) if operation is np.negative else (low, high)
    other_low, other_high = others[0]
    if operation is np.add:
        return low + other_low, high + other_high
    if operation is np.subtract:
        return low - other_high, high - other_low
    if operation is np.multiply:
        corners = [a * b for a in (low, high) for b in (other_low, other_high)]
        return min(corners), max(corners)
    if operation in (np.floor_divide, np.remainder) and other_low <= 0 <= other_high:
        return 1, 0  # a division by 0 is infinite or NaN in floating point, and 0 among integers
    largest = max(map(abs, (low, high, other_low, other_high)))
    return (min(low, 0), largest) if low >= 0 <= other_low else (-largest, largest)


def _fits(low: int, high: int, bounds: list[tuple[int, int]], limits: tuple[int, int]) -> bool:
    ranges = [(low, high), *bounds]
    return low <= high and all(limits[0] <= least and most <= limits[1] for least, most in ranges)


def _is_integer(value: Any) -> bool:
    if isinstance(value, int):
        return True
    dtype = _dtype(value)
    return dtype is not None and dtype.kind in "iu"


def _dtype(value: Any) -> np.dtype | None:
    """The number type of a column, None of texts, Python's numbers, and of lists that hold something else."""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype
    if isinstance(value, int | float | str):
        return None
    import awkward as ak

    kind: Any = ak.type(value)
    while isinstance(kind, ak.types.ArrayType | ak.types.ListType | ak.types.RegularType | ak.types.OptionType):
        kind = kind.content
    return np.dtype(kind.primitive) if isinstance(kind, ak.types.NumpyType) else None


def _bounds(value: Any) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    if isinstance(value, np.ndarray | np.generic):
        values = np.asarray(value)
        return (int(values.min()), int(values.max())) if values.size else (0, 0)
    import awkward as ak

    least, most = ak.min(value, axis=None), ak.max(value, axis=None)
    return (0, 0) if least is None else (int(least), int(most))


def _cast(value: Any, dtype: type) -> Any:
    if isinstance(value, int | float):
        return dtype(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.astype(dtype)
    import awkward as ak

    return ak.values_astype(value, dtype)
