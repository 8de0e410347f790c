"""Whether a predicted width is the spread that is found: likelihood, pulls and coverage of predicted Gaussians."""

import math

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.series import Series


def gaussian_series(means: np.ndarray, widths: np.ndarray, target: np.ndarray, bootstrap: Bootstrap) -> Series:
    """Every metric of one number by its name; means and widths (n_seeds, n), target (n,), in one unit.

    nll                 mean of -ln of the Gaussian's density at the target (nats; of the density in the target's unit)
    pull_mean/_width    mean and standard deviation of the pulls, (target - mean) / width: 0 and 1 if all is right
    coverage_1sigma/_2  fraction of the samples within one and two widths: 0.6827 and 0.9545 if all is right
    mean_width          mean predicted width
    """
    values: dict[str, list[np.ndarray]] = {
        name: [] for name in ("nll", "pull_mean", "pull_width", "coverage_1sigma", "coverage_2sigma", "mean_width")
    }
    inside = np.zeros((2, len(target)))
    for mean, width in zip(means, widths, strict=True):
        pull = (target - mean) / width
        nll = 0.5 * pull**2 + np.log(width) + 0.5 * math.log(2 * math.pi)
        within = np.abs(pull) <= [[1.0], [2.0]]
        inside += within / len(means)
        columns = bootstrap.mean(np.column_stack([nll, pull, pull**2, *within, width]))
        of_seed = columns[:, 0], columns[:, 1], np.sqrt(np.maximum(columns[:, 2] - columns[:, 1] ** 2, 0.0))
        for name, column in zip(values, (*of_seed, *columns[:, 3:].T), strict=True):
            values[name].append(column)
    sizes = {f"coverage_{k + 1}sigma": bootstrap.effective_size(part) for k, part in enumerate(inside)}
    return Series(values, sizes)
