"""The last layer of a network that predicts numbers: from what the architecture says to the target's own units."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

OutputKind = Literal["plain", "numbers", "gaussian"]
LOG_VARIANCE_LIMIT = 16.0
"""A predicted log-variance, of standardised numbers, lies between minus and plus this: a width between 3e-4 and 3000
standard deviations of the target. So the likelihood stays finite where a network fits some samples perfectly."""


class Outputs(nn.Module):
    """Of `n` numbers the standardised predictions to those in the target's own units.

    'plain': as they are, for tasks whose outputs are no numbers with units. 'numbers': y → mean + std y, (batch, n).
    'gaussian': of the first n outputs the mean of a Gaussian in the same way, and of the other n its logarithmic
    variance s (Nix and Weigend, Proc. IEEE Int. Conf. Neural Networks 1994, p. 55), so the width std exp(s / 2); both
    (batch, 2 n), means first. s is bounded smoothly: L tanh(s / L), L = `LOG_VARIANCE_LIMIT`.

    mean and std are those of the target over the training split, or 0 and 1; a number that never varies keeps the std
    1. They are buffers, saved with the weights, so that a network is whole without its dataset.

    statistics: for each number an object with mean and std.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, kind: OutputKind, n_outputs: int, statistics: Sequence[Any] | None = None):
        super().__init__()
        self.kind = kind
        if kind == "plain":
            return
        n = n_outputs // 2 if kind == "gaussian" else n_outputs
        centre, scale = torch.zeros(n), torch.ones(n)
        for k, number in enumerate(statistics or ()):
            centre[k], scale[k] = number.mean, number.std if number.std > 0.0 else 1.0
        self.register_buffer("centre", centre)
        self.register_buffer("scale", scale)

    def forward(self, outputs: Tensor) -> Tensor:
        """(batch, n_outputs) of the architecture to (batch, n_outputs) in the target's own units."""
        if self.kind == "plain":
            return outputs
        if self.kind == "numbers":
            return self.centre + self.scale * outputs.float()
        mean, log_variance = outputs.float().chunk(2, dim=1)
        log_variance = LOG_VARIANCE_LIMIT * torch.tanh(log_variance / LOG_VARIANCE_LIMIT)
        return torch.cat([self.centre + self.scale * mean, self.scale * torch.exp(0.5 * log_variance)], dim=1)
