"""Bootstrap replicas of the test split, the same ones for every seed, model and observable of a dataset."""

from collections.abc import Callable

import numpy as np

from bevatron.config.digest import seed_of

Statistic = Callable[[np.ndarray], np.ndarray]
"""Weights (b, n) float64, a replica a row, to the statistic's value in each: (b,)."""

_CHUNK = 4_000_000  # weights made floating point at once: 32 MB


class Bootstrap:
    """Efron's bootstrap (Ann. Statist. 7 (1979) 1): each replica draws n of the n samples with replacement.

    A replica is the vector of how often each sample was drawn, so that statistics are weighted sums and
    nothing is copied or sorted again. The draws follow from the dataset's manifest alone: two models
    measured on one dataset share their replicas, and the error of their difference counts the common
    samples' fluctuations once.

    counts: (replicas + 1, n) uint8; row 0 is the test split itself, all ones.
    """

    def __init__(self, n: int, replicas: int, manifest_sha256: str):
        rng = np.random.default_rng(seed_of("bootstrap", manifest_sha256))
        self.counts = np.ones((replicas + 1, n), np.uint8)
        for row in self.counts[1:]:
            drawn = np.bincount(rng.integers(0, n, n), minlength=n)
            row[:] = np.minimum(drawn, 255)  # more than 255 draws of one sample: never (mean 1)

    def over(self, statistic: Statistic, rows: np.ndarray | None = None) -> np.ndarray:
        """The statistic on the split itself and on each replica: (replicas + 1, ...).

        `rows` picks, and may reorder, the samples whose weights the statistic gets.
        """
        counts = self.counts
        width = counts.shape[1] if rows is None else len(rows)
        step = max(1, _CHUNK // max(1, width))
        parts = []
        for start in range(0, len(counts), step):
            block = counts[start : start + step]
            parts.append(statistic((block if rows is None else block[:, rows]).astype(np.float64)))
        return np.concatenate(parts)

    def mean(self, values: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Mean of values (n,) or (n, k), over `rows` where given: (replicas + 1,) or (replicas + 1, k)."""
        values = values if rows is None else values[rows]

        def weighted_mean(weights: np.ndarray) -> np.ndarray:
            total = weights.sum(1)
            with np.errstate(invalid="ignore", divide="ignore"):  # a replica may miss a small class altogether
                return (weights @ values) / (total if values.ndim == 1 else total[:, None])

        return self.over(weighted_mean, rows)

    def median(self, values: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Median of values (n,): the least value at which half of the weight is reached; (replicas + 1,)."""
        rows = np.arange(len(values)) if rows is None else rows
        order = np.argsort(values[rows], kind="stable")
        ascending = values[rows][order]

        def weighted_median(weights: np.ndarray) -> np.ndarray:
            reached = np.cumsum(weights, axis=1)
            half = (reached >= reached[:, -1:] / 2).argmax(axis=1)
            return np.where(reached[:, -1] > 0, ascending[half], np.nan)

        return self.over(weighted_median, rows[order])
