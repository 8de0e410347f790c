"""Losses of networks with auxiliary heads within them, while they are trained."""

from collections.abc import Callable

from torch import Tensor

from bevatron.models.layers.images import WithHeads

HEADS_WEIGHT = 0.3  # of auxiliary heads (Szegedy et al., arXiv:1409.4842, sec. 5)


def loss_with_heads(loss_of: Callable[[Tensor], Tensor], outputs: Tensor | WithHeads) -> Tensor:
    """The loss of the outputs (batch, n), and `HEADS_WEIGHT` times that of each auxiliary head where there are any."""
    if not isinstance(outputs, WithHeads):
        return loss_of(outputs)
    return loss_of(outputs.outputs) + HEADS_WEIGHT * sum(map(loss_of, outputs.heads))
