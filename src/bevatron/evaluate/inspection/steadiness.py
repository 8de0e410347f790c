"""How much of its best a training has lost at its end.

One half of the images says which moment was the best, and the other half by how much it was better: so nothing is
gained by choosing, and the number may be negative. Each replica chooses again, so that the error has the uncertainty of
the choice. Weights are as in `statistics.two_samples`.
"""

import numpy as np

from bevatron.evaluate.statistics.two_samples import ReplicaMoments, frechet_distances, means


def lost_distance(halves: list[ReplicaMoments], generated: list[np.ndarray], drawn: np.ndarray) -> np.ndarray:
    """By what fraction the last generator's Fréchet distance is above that of the best one: (replicas + 1,).

    Moments of both halves of the real images, and features (m, k) of the images of each remembered generator, with
    their draws (m, replicas + 1).
    """

    def distances(half: int, made: np.ndarray) -> np.ndarray:
        return frechet_distances(halves[half], ReplicaMoments.of(made[half::2], drawn[half::2]))

    best = np.array([distances(0, made) for made in generated]).argmin(0)
    measured = np.full((len(generated), len(best)), np.nan)
    for moment in {len(generated) - 1, *best.tolist()}:
        measured[moment] = distances(1, generated[moment])
    return measured[-1] / measured[best, np.arange(len(best))] - 1.0


def lost_loss(losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """By what fraction the last mean loss is above the lowest: losses (moments, n), weights (n, replicas + 1)."""
    chosen, measured = (np.array([means(moment[k::2], weights[k::2]) for moment in losses]) for k in (0, 1))
    of_best = measured[chosen.argmin(0), np.arange(measured.shape[1])]
    return measured[-1] / of_best - 1.0
