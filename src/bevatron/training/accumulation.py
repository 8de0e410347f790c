"""Gradient accumulation: the gradients of several batches make one step, as that of all their samples at once."""

from torch import Tensor, nn


class GradientSum:
    """The gradient of Σ_k w_k ℓ_k / Σ_k w_k, from the mean losses ℓ_k of batches and their weights w_k.

    The weights are known only when all batches have been read (a class subset leaves samples out, class weights depend
    on the labels), so each loss is multiplied by its weight and the sum of the gradients is divided at the end. Weights
    are in units of n batches of the first one's samples, so that the sum has the size of a mean on the way: half
    precision scales the loss by as much as its gradients bear.
    """

    def __init__(self, n: int) -> None:
        self._n, self._unit = n, 0.0
        self._total: Tensor | float = 0.0

    def weigh(self, loss: Tensor, weight: Tensor | float, rows: int) -> Tensor:
        """The loss (), to call `backward` on. weight: of the batch in the mean; rows: its samples, of all workers."""
        self._unit = self._unit or float(self._n * rows)
        self._total = self._total + weight
        return loss * (weight / self._unit) if rows else loss

    def weigh_by_samples(self, loss: Tensor, rows: int) -> Tensor:
        """A further loss of the same batch, after `weigh`, that is a mean over its samples whatever their weights.

        With weights other than samples (class weights) it comes out multiplied by Σ samples / Σ w of the step, whose
        mean is 1: one gradient holds both losses, and has one divisor.
        """
        return loss * (rows / self._unit) if rows else loss

    def divide(self, network: nn.Module) -> None:
        """Divide the gradients of the network's weights; without any sample they are zero and stay so."""
        if not self._unit:
            return
        factor = self._unit / self._total
        for weights in network.parameters():
            if weights.grad is not None:
                weights.grad.mul_(factor)
