"""How much of its best a training has lost at its end.

One half of the images says which moment was the best, and the other half by how much it was better: so nothing is
gained by choosing, and the number may be negative. Weights are as in `statistics.two_samples`.
"""

import numpy as np

from bevatron.evaluate.inspection.generated import frechet_distance
from bevatron.evaluate.statistics.two_samples import ReplicaMoments, frechet_distances, means


def lost_distance(real: np.ndarray, weights: np.ndarray, generated: list[np.ndarray], drawn: np.ndarray) -> np.ndarray:
    """By what fraction the last generator's Fréchet distance is above that of the best one: (replicas + 1,).

    Features (n, k) of real images with weights (n, replicas + 1), which add up to their (effective) number, and of
    the images of each remembered generator, with their draws (m, replicas + 1).
    """
    chosen = [frechet_distance(real[::2], made[::2], weights[::2, 0].astype(np.float64)) for made in generated]
    moments = ReplicaMoments.of(real[1::2], weights[1::2])
    last, best = (
        frechet_distances(moments, ReplicaMoments.of(made[1::2], drawn[1::2]))
        for made in (generated[-1], generated[int(np.argmin(chosen))])
    )
    return last / best - 1.0


def lost_loss(losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """By what fraction the last mean loss is above the lowest: losses (moments, n), weights (n, replicas + 1)."""
    best = int(np.argmin(losses[:, ::2] @ weights[::2, 0].astype(np.float64)))
    return means(losses[-1, 1::2], weights[1::2]) / means(losses[best, 1::2], weights[1::2]) - 1.0
