"""Metrics before they are measured: by name, of each seed the values on the test split and on its replicas."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bevatron.evaluate.statistics.measurement import Measurement, measure

Together = Literal["mean", "sum"]


@dataclass(frozen=True)
class Series:
    """values: by metric an array (replicas + 1,) for each seed; sizes: of a metric that is a fraction of samples, how
    many independent ones there are.
    """

    values: dict[str, list[np.ndarray]]
    sizes: dict[str, float] = field(default_factory=dict)

    def __or__(self, other: "Series") -> "Series":
        return Series(self.values | other.values, self.sizes | other.sizes)


def root(squares: np.ndarray) -> np.ndarray:
    """The square root; NaN of a mean square that negative weights have made negative."""
    return np.sqrt(np.where(squares >= 0, squares, np.nan))


def join_series(parts: Mapping[str, Series], together: Mapping[str, Together]) -> Series:
    """Those of several parts as `<metric>.<part>`, after what some of them make together: the mean or the sum."""
    joined: dict[str, list[np.ndarray]] = {}
    for metric, how in together.items():
        if all(metric in part.values for part in parts.values()):
            of_seeds = zip(*(part.values[metric] for part in parts.values()), strict=True)
            sums = [np.sum(of_parts, axis=0) for of_parts in of_seeds]
            joined[metric] = sums if how == "sum" else [total / len(parts) for total in sums]
    values = {f"{metric}.{name}": v for name, part in parts.items() for metric, v in part.values.items()}
    sizes = {f"{metric}.{name}": n for name, part in parts.items() for metric, n in part.sizes.items()}
    return Series(joined | values, sizes)


def measure_series(series: Series, confidence: float) -> dict[str, Measurement]:
    """Each metric with its uncertainty; of fractions the interval is Wilson's."""
    return {
        name: measure(values, confidence, n_binomial=series.sizes.get(name)) for name, values in series.values.items()
    }
