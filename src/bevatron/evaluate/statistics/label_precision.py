"""Average precision of a score for one label, with bootstrap replicas over the samples."""

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.ranking import Ranking


def label_average_precision(ranking: Ranking, bootstrap: Bootstrap) -> np.ndarray:
    """Σ (R_k - R_k-1) P_k over the thresholds between different scores, from the highest on: (replicas + 1,).

    P is the fraction of the samples above a threshold that have the label, R the fraction of those with the label that
    are above it (M. Zhu, "Recall, precision and average precision", Univ. of Waterloo 2004; no interpolation). NaN
    where a replica has no sample with the label. ranking: samples with the label are its signal, all others background.
    """
    n_replicas = bootstrap.replicas + 1
    right, counted, right_before, area = np.zeros((4, n_replicas))  # right_before: at the last threshold
    last = np.append(ranking.falling[1:] != ranking.falling[:-1], True)  # of the samples of one score
    for block, weights in bootstrap.blocks(ranking.rows):
        ends = last[block]
        signal = ranking.signal[block, None]
        all_right = right + np.cumsum(weights * signal, axis=0, dtype=np.float64)
        all_counted = counted + np.cumsum(weights, axis=0, dtype=np.float64)
        at = np.concatenate([right_before[None], all_right[ends]])
        with np.errstate(invalid="ignore", divide="ignore"):  # a replica may leave out the first samples
            precision = at[1:] / all_counted[ends]
        area = area + np.where(np.diff(at, axis=0) != 0, np.diff(at, axis=0) * precision, 0.0).sum(axis=0)
        right, counted, right_before = all_right[-1], all_counted[-1], at[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return area / right
