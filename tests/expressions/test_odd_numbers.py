"""Arithmetic over columns of every number type, drawn from a seed, against Python's own integers and fractions."""

import os
from fractions import Fraction

import awkward as ak
import numpy as np
import pytest

from bevatron.expressions import parse

N_INPUTS = int(os.environ.get("BEVATRON_ODD_INPUTS", "100"))
SEED = int(os.environ.get("BEVATRON_ODD_SEED", "20261130"))
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4"]
ROWS = 6


def column(draw):
    dtype = np.dtype(str(draw.choice(DTYPES)))
    if dtype.kind == "b":
        return draw.random(ROWS) < 0.5
    if dtype.kind == "f":
        return draw.integers(-2000, 2000, ROWS).astype(dtype)
    info = np.iinfo(dtype)
    if draw.random() < 0.5:
        return draw.integers(max(info.min, -9), min(info.max, 9), ROWS, dtype)
    values = draw.integers(info.min, info.max, ROWS, dtype, endpoint=True)
    values[0] = info.max if draw.random() < 0.5 else info.min
    return values


def exact(operator, a, b):
    a, b = Fraction(a), Fraction(b)
    if operator in "/ // %" and b == 0:
        return None
    return {"+": a + b, "-": a - b, "*": a * b, "/": b and a / b, "//": b and a // b, "%": b and a % b}[operator]


def test_no_operation_leaves_its_type():
    for k in range(N_INPUTS):
        draw = np.random.default_rng([SEED, k])
        a, b = column(draw), column(draw)
        operator = str(draw.choice(["+", "-", "*", "/", "//", "%"]))
        as_lists = draw.random() < 0.3
        columns = {"a": ak.unflatten(a, [3, 0, 3]), "b": ak.unflatten(b, [3, 0, 3])} if as_lists else {"a": a, "b": b}
        found = parse(f"a {operator} b", "here").evaluate(columns)
        found = ak.to_numpy(ak.flatten(found)) if as_lists else found
        where = f"input {k}: {a.dtype} {operator} {b.dtype}"
        for x, y, value in zip(a.tolist(), b.tolist(), found.tolist(), strict=True):
            expected = exact(operator, x, y)
            if expected is None:
                assert not np.isfinite(value), where
            elif isinstance(value, int):
                assert value == expected, where
            elif operator in ("%", "//") and max(abs(x), abs(y)) > 2**24:
                assert np.isfinite(value), where  # in floating point, of numbers that it rounds
            else:
                assert abs(Fraction(value) - expected) <= abs(expected) * Fraction(2e-7) + Fraction(1e-9), where


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-a", [-200, -100]), ("sqrt(a)", np.sqrt([200.0, 100.0])), ("a - 300", [-100, -200]), ("a * a", [40000, 10000]),
     ("(a > 150) + (a > 50)", [2, 1]), ("abs(c)", [128, 5]), ("h * h", [3.6e9, 1.0]), ("d % 10", [7, 3]),
     ("where(a > 150, a, 1000)", [200, 1000]), ("e * 4", [2.0**64, 4.0]), ("a // 0", [np.inf, np.inf])],
)  # fmt: skip
def test_bytes_flags_and_halves(text, expected):
    columns = {
        "a": np.array([200, 100], np.uint8),
        "c": np.array([-128, 5], np.int8),
        "d": np.array([2**64 - 9, 3], np.uint64),
        "e": np.array([2**62, 1]),
        "h": np.array([60000, 1], np.float16),
    }
    np.testing.assert_allclose(parse(text, "here").evaluate(columns), expected, rtol=1e-7)
