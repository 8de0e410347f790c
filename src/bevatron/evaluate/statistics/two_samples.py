"""Comparisons of two samples with the fluctuations of both: replicas of real images, and of generated ones.

Weights are (n, replicas + 1): how often each replica draws each image, times its own weight if it has one; column 0 is
the sample itself. The draws of the two samples are independent (B. Efron and R. Tibshirani, An introduction to the
bootstrap, 1993, sec. 8.3), so that a statistic's spread over the columns is its error from the size of both samples.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BLOCK = 1_000  # images whose products of features are made at once
PAIRED = 2_000  # images, from the first on, whose pairs tell the diversity


@dataclass(frozen=True)
class ReplicaMoments:
    """Mean (replicas + 1, k) and covariance (replicas + 1, k, k) of a sample's features in each replica."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, weights: np.ndarray) -> "ReplicaMoments":
        """Features (n, k), weights (n, replicas + 1), which add up to the (effective) number of images."""
        n, k = features.shape
        total, middle = weights.sum(0, dtype=np.float64)[:, None], features.mean(0)
        first, second = np.zeros((weights.shape[1], k)), np.zeros((weights.shape[1], k * k))
        for start in range(0, n, BLOCK):
            away = features[start : start + BLOCK] - middle
            drawn = weights[start : start + BLOCK].T.astype(np.float64)
            first += drawn @ away
            second += drawn @ (away[:, :, None] * away[:, None, :]).reshape(-1, k * k)
        mean = first / total
        products = second.reshape(-1, k, k) - total[:, :, None] * mean[:, :, None] * mean[:, None, :]
        return cls(mean + middle, products / (total - 1)[:, :, None])

    @cached_property
    def root(self) -> np.ndarray:
        """Square roots of the covariances, symmetric: (replicas + 1, k, k)."""
        values, vectors = np.linalg.eigh(self.covariance)
        return (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.transpose(0, 2, 1)


def frechet_distances(first: ReplicaMoments, second: ReplicaMoments) -> np.ndarray:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½) in each replica, (replicas + 1,): as `generated.frechet_distance`.

    A replica repeats images, so that its distance has the bias of a smaller sample; only the spread is used. It is the
    distance's error where the distributions differ clearly, and up to twice as large where they are nearly the same.
    """
    squares = np.linalg.eigvalsh(first.root @ second.covariance @ first.root)
    cross = np.sqrt(np.maximum(squares, 0.0)).sum(1)
    traces = np.trace(first.covariance + second.covariance, axis1=1, axis2=2)
    return ((first.mean - second.mean) ** 2).sum(1) + traces - 2.0 * cross


def halves_of(features: np.ndarray, weights: np.ndarray) -> list[ReplicaMoments]:
    """Moments of every second image, and of the others."""
    return [ReplicaMoments.of(features[k::2], weights[k::2]) for k in (0, 1)]


def extrapolated_distances(
    whole: np.ndarray, first_halves: list[ReplicaMoments], second_halves: list[ReplicaMoments]
) -> np.ndarray:
    """Fréchet distances of samples without end, in each replica, (replicas + 1,): from that of the whole samples and of
    their halves.

    The distance of samples of N images each is biased by c / N (M. Chong and D. Forsyth, arXiv:1911.07023):
    twice that of the whole samples minus that of their halves is free of it. A bias of second order is left, and the
    noise is larger, so that equal distributions may have a distance below zero. Of two equal standard normal
    distributions of k dimensions c is 2 k + k (k + 1) / 2.
    """
    of_halves = [frechet_distances(a, b) for a, b in zip(first_halves, second_halves, strict=True)]
    return 2.0 * whole - np.mean(of_halves, axis=0)


def diversities(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean distance of two different images in each replica, (replicas + 1,); 0 where all images are one.

    Images (n, pixels): all pairs of the first PAIRED. An image that was drawn twice is not its own partner.
    """
    from sklearn.metrics import pairwise_distances

    drawn = weights[:PAIRED].astype(np.float64)
    distances = pairwise_distances(images[:PAIRED])
    pairs = drawn.sum(0) ** 2 - (drawn**2).sum(0)
    return (drawn * (distances @ drawn)).sum(0) / pairs


def fractions_of_classes(numbers: np.ndarray, n_classes: int, weights: np.ndarray, least: float) -> np.ndarray:
    """Fraction of the classes that are at least `least` times as often among class numbers (n,) as equal classes would
    be, in each replica: (replicas + 1,).
    """
    counts = (numbers[:, None] == np.arange(n_classes)).astype(np.float64).T @ weights
    return (counts >= least * counts.sum(0) / n_classes).mean(0)


def means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of values (n,) in each replica: (replicas + 1,)."""
    return values @ weights.astype(np.float64) / weights.sum(0, dtype=np.float64)
