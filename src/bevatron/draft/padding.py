"""Columns padded to a fixed length: which elements exist, and the expression that says so."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bevatron.draft.roles import FLAGS

FIRST = ("pt", "e", "energy", "log_pt", "px")  # names of a feature, preferred where several say the same


@dataclass
class Padding:
    """exists: (n, longest) bool, and its expression, '' where all elements exist. flag: the column that only says so.

    complete: whether all columns are padded where the expression says.
    """

    exists: np.ndarray
    expression: str = ""
    flag: str = ""
    complete: bool = True
    value: str = ""


def find_padding(arrays: Mapping[str, np.ndarray], expressions: Mapping[str, str]) -> Padding:
    """The padding of columns (n, longest) that belong together."""
    shape = next(iter(arrays.values())).shape
    for name, values in arrays.items():
        if FLAGS.search(name) and np.isin(values, (0, 1)).all():
            return Padding(values != 0, expressions[name], name, value="flag")
    found: list[tuple[int, int, str, str, np.ndarray]] = []
    for place, (name, values) in enumerate(arrays.items()):
        for pad, exists in _candidates(values):
            if _is_suffix(exists):
                part = name.rpartition(".")[2].lower().strip("_")
                rank = FIRST.index(part) if part in FIRST else len(FIRST) + place
                found.append((int(exists.sum()), -rank, name, pad, exists))
    if not found:
        return Padding(np.ones(shape, bool))
    _, _, name, pad, exists = max(found, key=lambda one: one[:2])
    text = f"not is_nan({expressions[name]})" if pad == "nan" else f"{expressions[name]} != {pad}"
    complete = all(_is_constant(values[~exists]) for values in arrays.values())
    return Padding(exists, text, complete=complete, value=pad)


def _candidates(values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    found = [("nan", ~np.isnan(values))] if values.dtype.kind == "f" else []
    if values.dtype.kind in "biuf":
        found.append(("0", values != 0))
    if values.dtype.kind in "if":
        found += [("-1", values != -1), ("-999", values != -999)]
    return found


def _is_suffix(exists: np.ndarray) -> bool:
    """Whether in each row the elements that do not exist are the last ones, and there are both."""
    return bool((exists[:, 1:] <= exists[:, :-1]).all() and exists.any() and not exists[:, -1].all())


def _is_constant(values: np.ndarray) -> bool:
    if len(values) == 0:
        return True
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
    return bool(missing.all() or (not missing.any() and (values == values[0]).all()))
