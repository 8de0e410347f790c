"""Adversarial examples: inputs changed by so little that a person sees no difference, so that a classifier errs."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.models.layers.images import WithHeads

STEP = 2.5  # of PGD, in units of epsilon over the number of steps (arXiv:1706.06083, sec. 5)
Images = dict[str, Tensor]  # input group to dense values (batch, ...)
Classifier = Callable[[Images], Tensor | WithHeads]


def fgsm(network: Classifier, inputs: Images, labels: Tensor, epsilon: float, low: float, high: float) -> Images:
    """X + ε sign ∇ₓJ, the fast gradient sign method (Goodfellow, Shlens, Szegedy 2015, arXiv:1412.6572, eq. 4).

    Shapes: inputs {group: (batch, ...)} dense, labels (batch,) int64; returns inputs of the same shapes, kept within
    [low, high], which the images' values have.
    """
    attacked = _step_along_gradient(network, inputs, labels, epsilon)
    return {name: x.clamp(low, high) for name, x in attacked.items()}


def pgd(
    network: Classifier, inputs: Images, labels: Tensor, epsilon: float, low: float, high: float, steps: int
) -> Images:
    """Projected gradient descent: `steps` small steps of FGSM's kind, kept within ε of x in every pixel.

    Madry et al. 2018, arXiv:1706.06083, from a random start drawn by torch's generator. Where it finds far more than
    FGSM does, the network's gradients are masked.
    """
    adversarial = {name: (x + epsilon * (2 * torch.rand_like(x) - 1)).clamp(low, high) for name, x in inputs.items()}
    for _ in range(steps):
        adversarial = _step_along_gradient(network, adversarial, labels, STEP * epsilon / steps)
        for name, x in inputs.items():
            adversarial[name] = adversarial[name].clamp(x - epsilon, x + epsilon).clamp(low, high)
    return adversarial


def random_signs(inputs: Images, epsilon: float, low: float, high: float) -> Images:
    """X ± ε with random signs: a change as large as FGSM's in every pixel, in no direction."""
    signs = {name: torch.randint_like(x, 2) * 2 - 1 for name, x in inputs.items()}
    return {name: (x + epsilon * signs[name]).clamp(low, high) for name, x in inputs.items()}


def _step_along_gradient(network: Classifier, inputs: Images, labels: Tensor, size: float) -> Images:
    """A step of `size` in every pixel along the sign of the gradient of the cross entropy."""
    with torch.enable_grad():
        leaves = {name: x.detach().clone().requires_grad_() for name, x in inputs.items()}
        outputs = network(leaves)
        logits = outputs.outputs if isinstance(outputs, WithHeads) else outputs
        gradients = torch.autograd.grad(functional.cross_entropy(logits, labels, reduction="sum"), [*leaves.values()])
    return {name: x.detach() + size * g.sign() for (name, x), g in zip(leaves.items(), gradients, strict=True)}
