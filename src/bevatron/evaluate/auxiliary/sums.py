"""Sums over samples in every bootstrap replica, for a few samples at a time: no predictions have to be stored."""

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from bevatron.evaluate.statistics.bootstrap import Bootstrap

AT_ONCE = 1024  # samples whose weights are in memory at a time
BINS = 200  # bins of a score, for areas under ROC curves
FARTHEST = 12.0  # logits beyond are in the last bin; as a probability 6e-6


class ReplicaWeights:
    """The weights of the samples `first` to `first` + n - 1 in each replica, (n, replicas + 1) float64."""

    def __init__(self, bootstrap: Bootstrap, first: int, n: int):
        self._n_replicas = bootstrap.replicas + 1
        self._parts = [
            bootstrap.weights(slice(start, min(start + AT_ONCE, first + n))).astype(np.float64)
            for start in range(first, first + n, AT_ONCE)
        ]

    def sums(self, columns: Any) -> np.ndarray:
        """Weighted sums of columns (n, k), an array or a sparse matrix, over the samples: (k, replicas + 1) float64."""
        total = np.zeros((columns.shape[1], self._n_replicas))
        for number, part in enumerate(self._parts):
            of_part = columns[number * AT_ONCE : number * AT_ONCE + len(part)]
            total += of_part.T @ part
        return total


def counts_by_sample(sample: np.ndarray, cell: np.ndarray, n_samples: int, n_cells: int) -> csr_matrix:
    """The number of entries (m,) of each sample in each cell, (n_samples, n_cells) float64, as a sparse matrix."""
    return csr_matrix((np.ones(len(sample)), (sample, cell)), shape=(n_samples, n_cells))


def score_bins(logits: np.ndarray) -> np.ndarray:
    """The bin of each logit; NaN is not allowed."""
    width = 2 * FARTHEST / BINS
    return np.clip(np.floor((logits.astype(np.float64) + FARTHEST) / width), 0, BINS - 1).astype(np.int64)


def area_under_curve(signal: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The area under the ROC curve, (replicas + 1,), of histograms (bins, replicas + 1) of signal and background.

    Bins are in the order of rising scores. The area is NaN without signal or background. It is P(signal's bin above
    background's) + P(same bin) / 2, so that the curve is a straight line within a bin. The error is below half the
    sum over bins of the product of both fractions in the bin.
    """
    below = np.cumsum(background, axis=0) - background
    with np.errstate(invalid="ignore", divide="ignore"):  # no signal, or no background, in a replica
        return (signal * (below + background / 2)).sum(axis=0) / (signal.sum(axis=0) * background.sum(axis=0))
