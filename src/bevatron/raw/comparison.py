"""Comparisons with published numbers, which sources and recipes provide so that their physics can be checked."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Curve:
    """Points with errors. `published` marks published points, whose source is in the panel's caption."""

    label: str
    x: list[float]
    y: list[float]
    error: list[float] | None = None
    published: bool = False

    @classmethod
    def of(
        cls,
        label: str,
        x: Iterable[float],
        y: Iterable[float],
        error: Iterable[float] | None = None,
        published: bool = False,
    ) -> "Curve":
        """A curve from arrays of any kind."""
        errors = None if error is None else [float(v) for v in error]
        return cls(label, [float(v) for v in x], [float(v) for v in y], errors, published)


@dataclass(frozen=True)
class Comparison:
    """One panel: its name, the titles of its axes with units, and its curves.

    caption: what is shown, and the source of the published numbers; log_x, log_y: logarithmic axes; line: published
    curves are drawn as lines instead of points; x_names: names in place of the numbers x = 0, 1, …; y_range: range of
    the vertical axis, chosen from the data if None.
    """

    name: str
    caption: str
    x: str
    y: str
    curves: list[Curve]
    log_x: bool = False
    log_y: bool = False
    line: bool = False
    x_names: list[str] | None = None
    y_range: tuple[float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """The panel and its curves as dictionaries and lists, as JSON holds them."""
        return asdict(self)


class Value(NamedTuple):
    """A number and its error, and the published number and its error."""

    name: str
    ours: float
    error: float
    published: float
    published_error: float

    @property
    def pull(self) -> float:
        """The difference in standard deviations: (ours − published) / √(σ² + σ_published²)."""
        variance = self.error**2 + self.published_error**2
        return (self.ours - self.published) / np.sqrt(variance) if variance > 0 else float("nan")


def compare_values(name: str, caption: str, y: str, source: str, values: Sequence[Value]) -> Comparison:
    """A panel of ratios of numbers to published numbers. The caption lists all numbers with their pulls.

    A number that could not be measured (NaN) is left out, and the caption says so.
    """
    known = [value for value in values if np.isfinite(value.ours)]
    place = range(len(known))
    told = [
        f"{_in_line(v.name)} {v.ours:.3g} ± {v.error:.2g} ({v.published:.4g} ± {v.published_error:.2g}, {v.pull:+.1f}σ)"
        for v in known
    ]
    missing = [_in_line(value.name) for value in values if not np.isfinite(value.ours)]
    if missing:
        told.append(f"too few for {', '.join(missing)}")
    ratios = [value.ours / value.published for value in known]
    errors = [value.error / value.published for value in known]
    reference = [value.published_error / value.published for value in known]
    off = max([abs(ratio - 1) + error for ratio, error in zip(ratios, errors, strict=True)] + reference, default=0.1)
    curves = [
        Curve.of(source, place, [1.0] * len(known), reference, published=True),
        Curve.of("simulation", place, ratios, errors),
    ]
    return Comparison(
        name,
        f"{caption} Simulated numbers, in brackets the published numbers and the differences: {'; '.join(told)}.",
        "",
        y,
        curves,
        x_names=[value.name for value in known],
        y_range=(1 - 1.2 * off, 1 + 1.8 * off),
    )


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """The mean of values (n,) and its statistical error; NaN for fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def fraction_and_error(part: int, total: int) -> tuple[float, float]:
    """The fraction part / total with its binomial error √(f (1 − f) / n); NaN for a total of 0.

    If the fraction is 0 or 1, the error is that of Laplace's estimate (part + 1) / (total + 2), and not zero.
    """
    if total == 0:
        return float("nan"), float("nan")
    assumed = part / total if 0 < part < total else (part + 1) / (total + 2)
    return part / total, float(np.sqrt(assumed * (1 - assumed) / total))


def _in_line(name: str) -> str:
    return name.replace("\n", " ")
