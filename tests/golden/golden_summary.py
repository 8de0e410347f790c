"""What of samples must stay the same: integers and layout exactly, floating-point numbers but for their last digits.

Another processor (AVX2, AVX-512) or release of numpy moves a number's last bits, and a rounded number would jump at its
border. So each column of floating-point numbers is told by some means over all of it, which are compared within a
tolerance far above such noise: 1e-4 of the column's root mean square. `pattern` and `logs` weigh each element by a hash
of its place, so that an exchange of elements shows; `logs`, of arsinh, sees small numbers beside large ones.
"""

import hashlib
from typing import Any

import numpy as np

from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, SparseImages, feature_axis

TOLERANCE = 1e-4
DIGITS = 8
WORDS = ("approximations", "files", "file_list", "processes", "sha256")  # attributes in words, or of the test's folder


def summary_of(samples: Samples) -> dict[str, Any]:
    """JSON of what the samples hold: names, units, layouts, and a summary of each column."""
    return {
        "inputs": {name: _group(group) for name, group in samples.inputs.items()},
        "targets": {name: _array(target) for name, target in samples.targets.items()},
        "id": _array(samples.id),
        "weight": None if samples.weight is None else _array(samples.weight),
        "attributes": {k: _plain(v) for k, v in sorted(samples.attributes.items()) if k not in WORDS},
    }


def differences(found: Any, expected: Any, place: str = "") -> list[str]:
    """Where two summaries differ, a line each."""
    if isinstance(expected, dict) and "rms" in expected and isinstance(found, dict) and "rms" in found:
        return _of_floats(found, expected, place)
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = [f"{place}: keys {list(found)}, not {list(expected)}"] if list(found) != list(expected) else []
        shared = [key for key in expected if key in found]
        return lines + [line for key in shared for line in differences(found[key], expected[key], f"{place}/{key}")]
    return [] if found == expected else [f"{place}: {found}, not {expected}"]


def _of_floats(found: dict[str, Any], expected: dict[str, Any], place: str) -> list[str]:
    lines = [f"{place}: {key} {found[key]}, not {expected[key]}" for key in ("dtype", "count")
             if found[key] != expected[key]]  # fmt: skip
    for key in ("mean", "rms", "least", "most", "pattern", "logs"):
        allowed = TOLERANCE * (min(1.0, expected["rms"]) if key == "logs" else expected["rms"])
        if abs(found[key] - expected[key]) > allowed:
            lines.append(f"{place}: {key} {found[key]}, not {expected[key]}")
    return lines


def _group(group: Group) -> dict[str, Any]:
    described = {"features": list(group.features), "units": list(group.units)}
    match group.column:
        case Dense(values):
            axis = feature_axis(values)
            columns = np.moveaxis(values, axis, 0)
            return described | {"shape": list(values.shape), "values": _columns(columns, group.features)}
        case Ragged(values, offsets):
            columns = _columns(values.T, group.features)
            return described | {"offsets": _array(offsets), "values": columns}
        case SparseImages(index, value, offsets, shape):
            parts = {"offsets": _array(offsets), "index": _array(index), "value": _array(value)}
            return described | {"shape": list(shape)} | parts


def _columns(columns: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _array(column) for name, column in zip(names, columns, strict=True)}


def _array(values: np.ndarray) -> dict[str, Any]:
    if values.dtype.kind != "f":
        whole = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
        digest = hashlib.sha256(whole.tobytes()).hexdigest()[:16]
        return {"dtype": str(values.dtype), "shape": list(values.shape), "sha256": digest}
    flat = values.astype(np.float64).ravel()
    flat = flat if len(flat) else np.zeros(1)
    weights = (np.arange(len(flat), dtype=np.uint64) * np.uint64(2654435761) % np.uint64(1 << 32)) / 2.0**32
    numbers = {
        "mean": flat.mean(),
        "rms": np.sqrt(np.square(flat).mean()),
        "least": flat.min(),
        "most": flat.max(),
        "pattern": (weights * flat).mean(),
        "logs": (weights * np.arcsinh(flat)).mean(),
    }
    rounded = {name: float(f"{number:.{DIGITS}g}") for name, number in numbers.items()}
    return {"dtype": str(values.dtype), "count": int(values.size), **rounded}


def _plain(value: Any) -> Any:
    """An attribute as JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
