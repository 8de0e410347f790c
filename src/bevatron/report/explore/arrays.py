"""Arrays in the data of a panel: base64 of their bytes, which `bevatron.array` of `explore.js` decodes."""

import base64
from typing import Any

import numpy as np

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""Those that JavaScript has a typed array of."""


def encode_array(values: np.ndarray) -> dict[str, Any]:
    """{"dtype", "shape", "base64"} of an array, rows first, little-endian.

    Integers of 64 bits take the smallest of `DTYPES` that holds them, half floats float32. Raises TypeError for other
    kinds of values, and for integers that none of them holds.
    """
    values = np.asarray(values)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8)
    elif values.dtype == np.float16:
        values = values.astype(np.float32)
    elif values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        values = smallest_integers(values)
    name = values.dtype.name
    if name not in DTYPES:
        raise TypeError(f"no typed array holds values of {name}")
    content = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
    return {"dtype": name, "shape": list(values.shape), "base64": base64.b64encode(content).decode("ascii")}


def smallest_integers(values: np.ndarray) -> np.ndarray:
    """Integers as the smallest type of `DTYPES` that holds them all. Raises TypeError where none does."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32"):
        limits = np.iinfo(name)
        if limits.min <= low and high <= limits.max:
            return values.astype(name)
    raise TypeError(f"no typed array holds integers from {low} to {high}")
