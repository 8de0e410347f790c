"""How two numbers of a sample go together by their ranks, whatever monotonic functions were applied to them."""

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of values (n,) from 0 to 1, equal values at their mean rank; float64."""
    from scipy.stats import rankdata

    return (rankdata(values) - 0.5) / len(values)


def rank_correlation(first: np.ndarray, second: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Spearman's correlation of two numbers of each sample, (n,) both, from -1 to 1: (replicas + 1,).

    It is 1 or -1 if one is a monotonic function of the other. Replicas draw samples with the ranks that they have
    among all samples. NaN where a number never changes.
    """
    a, b = ranks(first), ranks(second)
    mean = bootstrap.mean(np.column_stack([a, b, a * a, b * b, a * b]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (mean[:, 4] - mean[:, 0] * mean[:, 1]) / np.sqrt(
            (mean[:, 2] - mean[:, 0] ** 2) * (mean[:, 3] - mean[:, 1] ** 2)
        )


def rank_agreement(first: np.ndarray, second: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """Of two measurements of each sample, (n,) both, the fraction of the variance that is between samples.

    The intraclass correlation 1 - E (r₁ - r₂)² / 2 V (R. Fisher 1925, § 38) of ranks r among all values of both, V
    their variance: 1 if both measurements of a sample agree, 0 if they differ as much as those of different samples.
    (replicas + 1,).
    """
    pooled = ranks(np.concatenate([first, second]))
    a, b = pooled[: len(first)], pooled[len(first) :]
    mean = bootstrap.mean(np.column_stack([(a - b) ** 2, a + b, a * a + b * b]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 - mean[:, 0] / (2.0 * (mean[:, 2] / 2.0 - (mean[:, 1] / 2.0) ** 2))
