"""Precision and recall of generated images, and how far apart they are, with the fluctuations of both samples.

Each sample stands for its distribution's manifold: balls around its points, each as large as the distance to the k-th
nearest other one (T. Kynkäänniemi et al., arXiv:1904.06991, sec. 2). Precision is the fraction of generated images
inside the manifold of the real ones (their quality), recall the fraction of real images inside that of the generated
ones (what of the distribution they cover).

Weights are as in `statistics.two_samples`. In a replica the manifold is that of the points that were drawn, with the
radii that these give, and the fraction counts each image as often as it was drawn. A point that was drawn twice is one
point of the manifold: it is not its own neighbour. So a replica has the coverage of a smaller sample, and only its
spread is used: `recentred` moves the replicas' mean to the sample's own value.
"""

from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 3  # as in the paper
COMPARED = 2_000  # images of each sample, from the first on: their distances are kept in memory
_KEPT = 24  # nearest neighbours of which a replica draws the few it needs: it draws each with 63 %


@dataclass(frozen=True)
class Manifold:
    """Points (n, d), the radius of each point's ball in each replica (n, replicas + 1), and whether it was drawn."""

    points: np.ndarray
    radii: np.ndarray
    drawn: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, weights: np.ndarray, k: int = NEIGHBOURS) -> "Manifold":
        """Points (n, d) with weights (n, replicas + 1); the first COMPARED of them."""
        from scipy.spatial.distance import cdist

        points, drawn = points[:COMPARED], weights[:COMPARED] > 0
        return cls(points, distances_to_drawn(cdist(points, points), drawn, k), drawn)

    def contains(self, others: np.ndarray) -> np.ndarray:
        """Whether others (m, d) are inside at least one ball, in each replica: (m, replicas + 1) bool."""
        from scipy.spatial.distance import cdist

        distances = cdist(others, self.points)
        rows, columns = np.nonzero(distances <= self.radii.max(1))  # in no replica is any other pair near enough
        inside = np.zeros((len(others), self.radii.shape[1]), bool)
        if len(rows) == 0:
            return inside
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        near = distances[rows, columns]
        for replica in range(inside.shape[1]):
            held = self.drawn[columns, replica] & (near <= self.radii[columns, replica])
            inside[rows[first], replica] = np.logical_or.reduceat(held, first)
        return inside


def precision_and_recall(
    real: Manifold, weights: np.ndarray, generated: Manifold, drawn: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both in each replica, (replicas + 1,) each; weights (n, replicas + 1) of the real, drawn of the generated."""
    inside_real, inside_generated = real.contains(generated.points), generated.contains(real.points)
    return _fractions(inside_real, drawn), _fractions(inside_generated, weights)


def recentred(fractions: np.ndarray) -> np.ndarray:
    """Fractions (replicas + 1,) with the replicas' mean moved to the first, the sample's own; all within [0, 1]."""
    moved = fractions + (fractions[0] - fractions[1:].mean()) if len(fractions) > 1 else fractions.copy()
    moved[0] = fractions[0]
    return np.clip(moved, 0.0, 1.0)


def spacings(images: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean distance to the nearest other image of the same sample in each replica, (replicas + 1,): 0 of copies.

    Images (n, pixels), the first COMPARED of them.
    """
    from sklearn.metrics import pairwise_distances

    images, weights = images[:COMPARED], weights[:COMPARED].astype(np.float64)
    nearest = distances_to_drawn(pairwise_distances(images), weights > 0, 1)
    return (nearest * weights).sum(0) / weights.sum(0)


def distances_to_drawn(distances: np.ndarray, drawn: np.ndarray, k: int) -> np.ndarray:
    """Of each point the distance to the k-th nearest other one that was drawn in a replica: (n, replicas + 1).

    distances (n, n) between all points; drawn (n, replicas + 1) bool. With fewer than k others it is the farthest's.
    """
    away = distances.copy()
    np.fill_diagonal(away, np.inf)
    kept = min(len(away) - 1, max(_KEPT, 8 * k))
    nearest = np.argpartition(away, kept - 1, axis=1)[:, :kept]
    values = np.take_along_axis(away, nearest, 1)
    order = np.argsort(values, axis=1, kind="stable")
    nearest, values = (np.take_along_axis(a, order, 1) for a in (nearest, values))
    found = np.empty(drawn.shape)
    for replica in range(drawn.shape[1]):
        counted = np.cumsum(drawn[nearest, replica], axis=1)
        place = np.minimum((counted < k).sum(1), kept - 1)
        found[:, replica] = values[np.arange(len(values)), place]
    return found


def _fractions(inside: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted fraction of the images (n, replicas + 1) that are inside, in each replica."""
    weights = weights[: len(inside)].astype(np.float64)
    return (inside * weights).sum(0) / weights.sum(0)
