"""Comparing generated images with real ones: distance of their distributions, and copies."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.neural_network import MLPClassifier

HIDDEN = (128, 64)  # units of the reference's hidden layers; images are compared in the last
FEATURES = HIDDEN[-1]
SAMPLES = 5_000  # training images from which the reference learns, and among which copies are looked for
EPOCHS = 60  # of the reference


@dataclass(frozen=True)
class ReferenceClassifier:
    """A classifier of real images, in whose last hidden units images are compared, as in Inception's elsewhere."""

    network: "MLPClassifier"

    @classmethod
    def of(cls, images: np.ndarray, labels: np.ndarray) -> "ReferenceClassifier":
        """Trained on images (n, pixels) with class numbers (n,); the same for the same data."""
        from sklearn.neural_network import MLPClassifier

        network = MLPClassifier(HIDDEN, max_iter=EPOCHS, tol=0.0, n_iter_no_change=EPOCHS, random_state=0)
        with np.errstate(all="ignore"):
            return cls(_fit(network, images, labels))

    def features(self, images: np.ndarray) -> np.ndarray:
        """(n, pixels) to (n, FEATURES)."""
        for weights, biases in zip(self.network.coefs_[:-1], self.network.intercepts_[:-1], strict=True):
            images = np.maximum(images @ weights + biases, 0.0)
        return images

    def classes(self, images: np.ndarray) -> np.ndarray:
        """Class numbers (n,) of images (n, pixels)."""
        return np.asarray(self.network.predict(images))


def _fit(network: "MLPClassifier", images: np.ndarray, labels: np.ndarray) -> "MLPClassifier":
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it learns for a fixed number of epochs
        return network.fit(images, labels)


def frechet_distance(
    first: np.ndarray, second: np.ndarray, weights: np.ndarray | None = None, weights_2: np.ndarray | None = None
) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½) of features (n, k), between the normal distributions of their moments
    (D. Dowson and B. Landau 1982; M. Heusel et al., arXiv:1706.08500).

    weights (n,): of the first's samples, weights_2 of the second's. The estimate is biased upwards for few samples, the
    more the larger k is.
    """
    mean, covariance = _moments(first, np.ones(len(first)) if weights is None else weights)
    mean_2, covariance_2 = _moments(second, np.ones(len(second)) if weights_2 is None else weights_2)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariance_2 @ root), 0.0)).sum()
    return float(((mean - mean_2) ** 2).sum() + np.trace(covariance) + np.trace(covariance_2) - 2.0 * cross)


def _moments(features: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    total = weights.sum()
    mean = weights @ features / total
    away = features - mean
    return mean, (away * weights[:, None]).T @ away / (total - 1)


def nearest(images: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to, and row of, the nearest image among others; (n,) each."""
    from sklearn.neighbors import NearestNeighbors

    distances, rows = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(among).kneighbors(images)
    return distances[:, 0], rows[:, 0]
