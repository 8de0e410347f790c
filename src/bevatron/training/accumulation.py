"""Gradient accumulation: the gradients of several batches make one step, as that of all their samples at once."""

import torch
from torch import Tensor, nn


class GradientSum:
    """The gradient of Σ_k w_k ℓ_k / Σ_k w_k, from the mean losses ℓ_k of batches and their weights w_k.

    The weights are known only when all batches have been read (a class subset leaves samples out, class weights depend
    on the labels), so each loss is multiplied by its weight and the sum of the gradients is divided at the end. All of
    it is in units of the first batch's samples: half precision scales losses of the usual size.
    """

    def __init__(self) -> None:
        self._unit = 0.0
        self._total: Tensor | float = 0.0

    def weigh(self, loss: Tensor, weight: Tensor | float, rows: int) -> Tensor:
        """The loss (), to call `backward` on. weight: of the batch in the mean; rows: its samples, of all workers."""
        self._unit = self._unit or float(rows)
        self._total = self._total + weight
        return loss * (weight / self._unit) if rows else loss

    def divide(self, network: nn.Module) -> None:
        """Divide the gradients of the network's weights; without any sample they are zero and stay so."""
        gradients = [weights.grad for weights in network.parameters() if weights.grad is not None]
        if self._unit and gradients:
            torch._foreach_mul_(gradients, self._unit / self._total)
