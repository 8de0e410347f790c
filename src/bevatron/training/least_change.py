"""Szegedy's adversarial examples: the smallest change that makes a classifier take an image for another class."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bevatron.models.layers.images import WithHeads
from bevatron.training.attacks import Classifier, Images

FIRST_WEIGHT = 0.01  # b of the first trial: where |r|² dominates
GROWTH = 10.0  # of b until a change is found; then log b is bisected
TOLERANCE = 1e-7  # relative change of the sum at which L-BFGS-B stops: that of single precision
MEMORY = 20  # pairs of steps and gradients that L-BFGS-B keeps


def least_change(
    network: Classifier, inputs: Images, targets: Tensor, low: float, high: float, trials: int, iterations: int
) -> tuple[Images, Tensor]:
    """Minimise c |r|² + J(x + r, target) with x + r in [low, high], at the largest c at which the target class wins.

    C. Szegedy et al., Intriguing properties of neural networks, arXiv:1312.6199, sec. 4.1: box-constrained L-BFGS, and
    a line search over c for each image. |r|² replaces their |r|, as it has a gradient at r = 0, with the same path of
    minima. Written as |r|² + b J with b = 1/c, whose curvature is the same for all images: then one call of L-BFGS-B
    minimises the sum over all images, each with its own b, and so each image's own term.

    Shapes: inputs {group: (batch, ...)} dense, targets (batch,) int64: the class that each image is to be taken for.
    trials: values of b for each image; iterations: of L-BFGS-B at most, for each. Returns the images with the smallest
    change found, unchanged where none was, and whether one was found, (batch,) bool.
    """
    names, n = list(inputs), len(targets)
    start = _join(inputs)
    box = [(low, high)] * start.size
    weights, failed, succeeded = np.full(n, FIRST_WEIGHT), np.zeros(n), np.full(n, np.inf)
    best, shortest, values = start.copy(), np.full(n, np.inf), start
    for _ in range(trials):
        values = _minimise(network, inputs, targets, start, values, weights, box, iterations)
        with torch.no_grad():
            wins = (_logits(network, _split(values, inputs)).argmax(1) == targets).cpu().numpy()
        lengths = ((values - start) ** 2).sum(1)
        better = wins & (lengths < shortest)
        best[better], shortest[better] = values[better], lengths[better]
        succeeded = np.where(wins, np.minimum(succeeded, weights), succeeded)
        failed = np.where(wins, failed, np.maximum(failed, weights))
        between = np.sqrt(np.maximum(failed, FIRST_WEIGHT / GROWTH**2) * np.where(np.isinf(succeeded), 1.0, succeeded))
        weights = np.where(np.isinf(succeeded), weights * GROWTH, between)
    changed = _split(best, inputs)
    found = torch.from_numpy(np.isfinite(shortest)).to(targets.device)
    return {name: changed[name].to(inputs[name].dtype) for name in names}, found


def _minimise(
    network: Classifier,
    inputs: Images,
    targets: Tensor,
    start: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    box: list[tuple[float, float]],
    iterations: int,
) -> np.ndarray:
    """The minimum of Σ |r|² + b J from `values` on: all (batch, numbers)."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    factors = torch.from_numpy(weights).to(targets.device)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        changed = flat.reshape(start.shape)
        away = changed - start
        with torch.enable_grad():
            leaves = {name: x.requires_grad_() for name, x in _split(changed, inputs).items()}
            losses = functional.cross_entropy(_logits(network, leaves), targets, reduction="none").double()
            total = (factors * losses).sum()
            gradients = torch.autograd.grad(total, [*leaves.values()])
        slope = 2.0 * away + _join(dict(zip(leaves, gradients, strict=True)))
        return float((away**2).sum() + total.item()), slope.ravel()

    options: Any = {"maxiter": iterations, "maxcor": MEMORY, "ftol": TOLERANCE, "gtol": 0.0}
    with threadpool_limits(torch.get_num_threads()):  # sums over threads depend on how they are cut
        found = minimize(objective, values.ravel(), jac=True, method="L-BFGS-B", bounds=box, options=options)
    return found.x.reshape(start.shape)


def _logits(network: Classifier, inputs: Images) -> Tensor:
    outputs = network(inputs)
    return outputs.outputs if isinstance(outputs, WithHeads) else outputs


def _join(images: Images) -> np.ndarray:
    """(batch, numbers) float64 of all groups, one behind the other."""
    return torch.cat([x.detach().flatten(1) for x in images.values()], 1).double().cpu().numpy()


def _split(values: np.ndarray, like: Images) -> Images:
    """Such rows as images of the groups' shapes, types and device."""
    result, first = {}, 0
    for name, x in like.items():
        width = x[0].numel()
        part = torch.from_numpy(np.ascontiguousarray(values[:, first : first + width]))
        result[name] = part.to(x.device, x.dtype).reshape(x.shape)
        first += width
    return result
