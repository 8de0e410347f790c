"""A metric with its uncertainty, from the test split's size and from the spread over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, overload

import numpy as np

from bevatron.store.records.metrics import MetricRecord


@dataclass(frozen=True)
class Measurement:
    """One metric of one model, or of one observable.

    value    mean over the seeds
    error    sqrt(s² + t² / n): s the standard deviation over bootstrap replicas of the seeds' mean (for a
             fraction of samples the binomial sqrt(p (1 - p) / n_test)), t the standard deviation over n seeds.
             So it is the error of the mean over seeds: of what another test split and other seeds would have
             given. With one seed, t is unknown and the error is s alone.
    low/high interval of the seeds' mean from the test split's size alone, at the study's confidence:
             percentiles of the replicas, or Wilson's for a fraction
    replicas bootstrap replicas of the seeds' mean, in the dataset's common order, for errors of differences
    per_fold of a cross-validation: mean over the seeds on each fold by itself; fold_std: their standard deviation. It
             is no part of the error: the folds' networks have learned from common samples, and no estimate of the
             variance from one cross-validation is unbiased (Bengio and Grandvalet, J. Mach. Learn. Res. 5 (2004) 1089)

    A number that does not exist (a rejection where no background passes) is None.
    """

    value: float | None
    error: float | None
    low: float | None
    high: float | None
    seed_std: float | None
    per_seed: tuple[float | None, ...]
    replicas: tuple[float | None, ...]
    unit: str = ""
    per_fold: tuple[float | None, ...] = ()
    fold_std: float | None = None

    def with_folds(self, values: Sequence[float | None]) -> "Measurement":
        """The same with its values on the folds of a cross-validation by themselves, and their standard deviation."""
        numbers = np.array([np.nan if value is None else value for value in values], np.float64)
        return replace(self, per_fold=tuple(map(_plain, numbers)), fold_std=_plain(numbers.std(ddof=1)))

    def as_record(self) -> MetricRecord:
        """All but the replicas, which the files keep apart so that a person can read the rest."""
        return MetricRecord(**{name: getattr(self, name) for name in MetricRecord.model_fields})


def measure(
    samples: Sequence[np.ndarray],
    confidence: float,
    unit: str = "",
    spread: bool = True,
    n_binomial: float | None = None,
) -> Measurement:
    """A measurement from an array (replicas + 1,) for each seed, its first entry the test split's own value.

    `spread=False`: no training stands behind the number. `n_binomial`: the value is a fraction of that many
    independent samples.
    """
    table = np.asarray(samples, np.float64)
    table[~np.isfinite(table)] = np.nan
    per_seed, means = table[:, 0], table.mean(axis=0)  # one seed without a value leaves the mean without one
    value, replicas = means[0], means[1:]
    # A fraction of samples with negative weights may lie outside of [0, 1], where no binomial interval exists.
    if n_binomial is not None and n_binomial > 0 and 0 <= value <= 1:
        split_error = np.sqrt(value * (1 - value) / n_binomial)
        low, high = wilson(value, n_binomial, confidence)
    else:
        low, high, split_error = _percentiles(replicas, confidence)
    n = len(per_seed)
    seed_std = per_seed.std(ddof=1) if spread and n > 1 else np.nan
    error = np.hypot(split_error, seed_std / np.sqrt(n) if np.isfinite(seed_std) else 0.0)
    return Measurement(
        *(_plain(x) for x in (value, error if np.isfinite(value) else np.nan, low, high, seed_std)),
        per_seed=tuple(_plain(x) for x in per_seed) if spread else (),
        replicas=tuple(_plain(x, 7) for x in replicas),
        unit=unit,
    )


def _percentiles(replicas: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """Central interval and standard deviation; none where more than a tenth of the replicas have no value."""
    finite = replicas[np.isfinite(replicas)]
    if len(finite) < 0.9 * len(replicas) or len(finite) < 2:
        return np.nan, np.nan, np.nan
    low, high = np.quantile(finite, [(1 - confidence) / 2, (1 + confidence) / 2])
    return low, high, finite.std(ddof=1)


@overload
def wilson(fraction: float, n: float, confidence: float) -> tuple[float, float]: ...


@overload
def wilson(fraction: np.ndarray, n: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]: ...


def wilson(fraction: np.ndarray | float, n: np.ndarray | float, confidence: float) -> tuple[Any, Any]:
    """Wilson's score interval of a binomial fraction of n samples: low and high (J. Am. Stat. Assoc. 22 (1927) 209).

    It stays inside [0, 1] and has a finite length at 0 and 1, where sqrt(p (1 - p) / n) vanishes. Fractions outside of
    [0, 1], which negative weights may give, are taken for its nearer end.
    """
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    fraction = np.clip(fraction, 0.0, 1.0)
    centre = (fraction + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (fraction * (1 - fraction) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def _plain(number: float, digits: int = 10) -> float | None:
    return float(f"{number:.{digits}g}") if np.isfinite(number) else None
