"""What the values of a column look like: range, missing ones, distinct ones."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bevatron.draft.names import shown

MOST_DISTINCT = 40
SENTINELS = tuple(
    sign * size for size in (9, 99, 999, 9999, 99999, 999999, 1000, 10000, 100000, 1000000) for sign in (-1, 1)
)
FEW_ROWS = 20  # of fewer, nothing is said on constants and duplicates


@dataclass
class ValueSummary:
    """Of the values (n,) of a column, or of all elements of its lists.

    missing: fraction that is not finite. sentinels: values that stand for a missing one, with their fractions.
    distinct: values with their counts, where there are at most MOST_DISTINCT. low, high: of what is not missing.
    """

    dtype: str
    n: int
    missing: float = 0.0
    sentinels: dict[float, float] = field(default_factory=dict)
    distinct: dict[Any, int] = field(default_factory=dict)
    n_distinct: int = 0
    low: Any = None
    high: Any = None
    is_whole: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether all values are one."""
        return self.n_distinct <= 1 and self.missing in (0.0, 1.0)

    @property
    def is_text(self) -> bool:
        """Whether the values are texts."""
        return self.dtype == "str"

    @property
    def is_binary(self) -> bool:
        """Whether the values are 0 and 1 alone."""
        return not self.is_text and self.missing == 0 and bool(self.distinct) and set(self.distinct) <= {0, 1}

    def describe(self) -> str:
        """In words, for a comment."""
        if self.n == 0:
            return f"{self.dtype}, no values in the sample"
        if self.missing == 1.0:
            return f"{self.dtype}, no finite value in the sample"
        parts = [self.dtype]
        few = self.distinct and (self.is_text or self.is_whole) and len(self.distinct) <= 6
        if few:
            parts.append(", ".join(f"{shown(str(_plain(v)), 20)} ({count})" for v, count in self.distinct.items()))
        elif self.is_text:
            parts.append(f"{self.n_distinct} distinct")
        else:
            parts.append(f"{number(self.low)} to {number(self.high)}")
        if self.missing:
            parts.append(f"{percent(self.missing)} not finite")
        parts += [f"{percent(fraction)} are {number(value)}" for value, fraction in self.sentinels.items()]
        return ", ".join(parts)


def number(value: Any) -> str:
    """A number, short."""
    if isinstance(value, int | np.integer | bool | np.bool_):
        return str(int(value))
    return f"{float(value):.4g}"


def percent(fraction: float) -> str:
    """A fraction, in percent."""
    return f"{100 * fraction:.2g} %"


def profile(values: Any, dtype: str) -> ValueSummary:
    """The profile of values (n,): a numpy array of numbers, or of texts."""
    if dtype == "str":
        texts, counts = np.unique(np.asarray([str(value) for value in values], object).astype(str), return_counts=True)
        found = ValueSummary("str", len(values), n_distinct=len(texts))
        if len(texts) <= MOST_DISTINCT:
            found.distinct = dict(zip(texts.tolist(), counts.tolist(), strict=True))
        return found
    values = np.asarray(values).reshape(-1)
    finite = np.isfinite(values) if values.dtype.kind == "f" else np.ones(len(values), bool)
    found = ValueSummary(dtype, len(values), missing=float(1 - finite.mean()) if len(values) else 0.0)
    kept = values[finite]
    if len(kept) == 0:
        return found
    distinct, counts = np.unique(kept, return_counts=True)
    found.sentinels = _sentinels(distinct, counts, len(values))
    if found.sentinels:
        real = ~np.isin(distinct.astype(float), list(found.sentinels))
        distinct, counts = distinct[real], counts[real]
    found.n_distinct = len(distinct)
    found.low, found.high = distinct[0], distinct[-1]
    found.is_whole = values.dtype.kind in "biu" or bool((distinct == np.rint(distinct)).all())
    if len(distinct) <= MOST_DISTINCT:
        found.distinct = {_plain(value): int(count) for value, count in zip(distinct, counts, strict=True)}
    return found


def _sentinels(distinct: np.ndarray, counts: np.ndarray, n: int) -> dict[float, float]:
    """Values at either end that are often used for a missing one, frequent, and far from all others."""
    found: dict[float, float] = {}
    if distinct.dtype.kind == "b":
        return found
    low, high = 0, len(distinct) - 1
    while high - low >= 1:
        numbers = distinct[low : high + 1].astype(float)
        span = numbers[-2] - numbers[1] if len(numbers) > 3 else 0.0
        if _is_sentinel(numbers[0], numbers[1], counts[low], numbers[-1] - numbers[1]):
            found[float(numbers[0])] = float(counts[low] / n)
            low += 1
        elif _is_sentinel(numbers[-1], numbers[-2], counts[high], max(span, numbers[-2] - numbers[0])):
            found[float(numbers[-1])] = float(counts[high] / n)
            high -= 1
        else:
            break
    return found


def _is_sentinel(value: float, nearest: float, count: int, span: float) -> bool:
    if value not in SENTINELS and abs(value) < 1e30:
        return False
    of_positive = value < 0 <= nearest
    return count >= 2 and (of_positive or abs(nearest - value) > max(0.5 * span, 0.5 * abs(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, np.bool_ | bool):
        return int(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.floating):
        return int(value) if float(value).is_integer() else float(value)
    return value
