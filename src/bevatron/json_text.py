"""JSON from anybody: strict, and every way in which it can fail is a ValueError."""

import json
from pathlib import Path
from typing import Any

from bevatron.regular_files import read_text


def parse_json(text: str | bytes) -> Any:
    """The text's value.

    Raises ValueError for what is no JSON, and for what JSON does not have or readers disagree about: NaN and
    infinities, numbers too large for a float, a key that stands twice, and lists that are nested too deeply.
    """
    try:
        return json.loads(
            text,
            parse_constant=_no_number,
            parse_int=_whole,
            parse_float=_finite,
            object_pairs_hook=_distinct,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path) -> Any:
    """The value in a file. Raises as `parse_json`, and as `read_text` for what is no file, or none of a sane size."""
    return parse_json(read_text(path))


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON's")


def _whole(text: str) -> int:
    if len(text) > 300:
        raise ValueError(f"the number {text[:20]}... has {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key '{twice[:40]}' stands twice")
    return tree
