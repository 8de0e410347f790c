"""How much more probable the hits of an event are if one track made them than if many did.

Crossings are taken as normal: the spreads of bundle, track, curvature, scattering and pixels add up to the covariance
of the layers' crossings. With C the variance of the bundle's centre, O that of a track's offset, and x the depths,

    one track:    C J + S,        S = O J + A x xᵀ + K q qᵀ + M + P 1    (J: ones)
    many tracks:  C J + diag(S)

A and K are the variances of slope and curvature, q = x²/2 the sagitta (along the rows alone), M_ij the sum over the
layers k further in of θ² (x_i - x_k)(x_j - x_k), and P = pitch²/12. Which hit of a layer is a track's, if any, is not
known: the probability is the sum over all choices. A hit that is not chosen is noise, uniform over the window.
"""

from itertools import pairwise, product

import numpy as np

from bevatron.simulate.tracker.geometry import Tracker
from bevatron.simulate.tracker.hits import Hits


def covariances(tracker: Tracker) -> tuple[np.ndarray, np.ndarray]:
    """Of the crossings of one track and of many, (2, layers, layers) each: along the rows and the columns [mm²]."""
    x = tracker.depths
    ones = np.ones((len(x), len(x)))
    # Curvature and scattering angle are proportional to 1/pt, which is uniform and has the mean square 1 / (3 min_pt²).
    inverse_pt = np.array(1.0 / (np.sqrt(3.0) * tracker.min_pt))
    curvature, theta = (tracker.bending * inverse_pt) ** 2, tracker.scattering_angle(inverse_pt) ** 2
    arms = np.maximum(x[None, :] - x[:, None], 0.0)
    shared = tracker.offset**2 * ones + tracker.angle**2 * np.outer(x, x) + theta * arms.T @ arms
    own = tracker.pitch**2 / 12.0 * np.eye(len(x))
    one = np.stack([shared + curvature * np.outer(x**2, x**2) / 4.0 + own, shared + own])
    many = np.stack([np.diag(np.diag(matrix)) for matrix in one])
    centre = tracker.centre**2 * ones
    return one + centre, many + centre


def log_likelihood_ratios(tracker: Tracker, hits: Hits, n: int, efficiency: float, noise: float) -> np.ndarray:
    """Logarithm of the probability of each event's hits for one track over that for many tracks, (n,).

    The number of choices is the product over the layers of (hits + 1).
    """
    choices, owner = _choices(hits, n, tracker.layers)
    y = (np.stack([hits.row, hits.column], axis=1) + 0.5 - tracker.size / 2) * tracker.pitch
    density = noise / (tracker.size * tracker.pitch) ** 2  # of noise [1/mm²]
    chosen = choices >= 0
    # Against all hits being noise; without noise a hit that is not chosen is impossible.
    log_weight = np.where(chosen, np.log(max(efficiency, 1e-300)), np.log(max(1.0 - efficiency, 1e-300))).sum(axis=1)
    log_weight = log_weight - chosen.sum(axis=1) * np.log(max(density, 1e-300))
    patterns = chosen @ (1 << np.arange(tracker.layers))
    one, many = (np.empty(len(choices)) for _ in range(2))
    for pattern in np.unique(patterns):
        rows = np.flatnonzero(patterns == pattern)
        present = np.flatnonzero(chosen[rows[0]])
        points = y[choices[np.ix_(rows, present)]]  # (choices, layers, 2)
        for result, matrices in zip((one, many), covariances(tracker), strict=True):
            result[rows] = log_weight[rows] + sum(
                _log_normal(points[:, :, axis], matrices[axis][np.ix_(present, present)]) for axis in range(2)
            )
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    totals = [np.logaddexp.reduceat(result, starts) for result in (one, many)]
    return totals[0] - totals[1]


def _choices(hits: Hits, n: int, layers: int) -> tuple[np.ndarray, np.ndarray]:
    """All choices of one hit or none (-1) in each layer (total, layers), and the event of each choice."""
    borders = np.searchsorted(hits.event * layers + hits.layer, np.arange(n * layers + 1)).tolist()
    options = [(-1, *range(first, after)) for first, after in pairwise(borders)]
    choices = [np.array(list(product(*options[k : k + layers]))) for k in range(0, n * layers, layers)]
    return np.concatenate(choices), np.repeat(np.arange(n), [len(c) for c in choices])


def _log_normal(points: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Log density of a normal distribution with the mean 0; points (k, d), of d = 0 it is 0."""
    if not points.shape[1]:
        return np.zeros(len(points))
    factor = np.linalg.cholesky(covariance)
    z = np.linalg.solve(factor, points.T)
    return -0.5 * (z**2).sum(axis=0) - np.log(np.diag(factor)).sum() - 0.5 * points.shape[1] * np.log(2 * np.pi)
