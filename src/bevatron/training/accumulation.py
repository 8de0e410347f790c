"""Gradient accumulation: the gradients of several batches are averaged for one step, as if they were one batch."""

from torch import Tensor, nn


class GradientSum:
    """The gradient of Σ_k w_k ℓ_k / Σ_k w_k, from the mean losses ℓ_k of batches and their weights w_k.

    The sum of the weights is known only when all batches have been read: a class subset leaves samples out, and class
    weights depend on the labels. Each loss is therefore multiplied by its weight, and the sum of the gradients is
    divided at the end. The unit of the weights is n times the number of samples of the first batch. The sum is thus of
    the size of a mean all the time, as the scaling of losses in half precision needs.
    """

    def __init__(self, n: int) -> None:
        self._n, self._unit = n, 0.0
        self._total: Tensor | float = 0.0

    def weigh(self, loss: Tensor, weight: Tensor | float, rows: int) -> Tensor:
        """The loss (), to call `backward` on. weight: that of the batch; rows: its number of samples on all workers."""
        self._unit = self._unit or float(self._n * rows)
        self._total = self._total + weight
        return loss * (weight / self._unit) if rows else loss

    def weigh_by_samples(self, loss: Tensor, rows: int) -> Tensor:
        """A further loss of the same batch, after `weigh`, that is a mean over its samples without their weights.

        If the weights are not numbers of samples (class weights), this loss is multiplied by Σ samples / Σ w of the
        step, whose mean is 1. The reason is that one gradient contains both losses and has one divisor.
        """
        return loss * (rows / self._unit) if rows else loss

    def divide(self, network: nn.Module) -> None:
        """Divide the gradients of the network's weights. Without any sample they are zero, and stay zero."""
        if not self._unit:
            return
        factor = self._unit / self._total
        for weights in network.parameters():
            if weights.grad is not None:
                weights.grad.mul_(factor)
