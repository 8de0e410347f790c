"""Dense layers of few outputs, computed with more of them: then a row's sums do not depend on its place.

MKL multiplies by a matrix of up to ten columns with kernels that begin where a row is aligned in memory, and so add up
the rows of a batch in several ways. With sixteen columns it does not; the added ones have no weights and are cut off.
"""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST_OUTPUTS = 16
Module = TypeVar("Module", bound=nn.Module)


def widened(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Weights (n, n_inputs) and bias (n,) with zeros for further outputs, `LEAST_OUTPUTS` in all."""
    more = max(0, LEAST_OUTPUTS - len(weight))
    return functional.pad(weight, (0, 0, 0, more)), None if bias is None else functional.pad(bias, (0, more))


class WideLinear(nn.Linear):
    """The layer with `LEAST_OUTPUTS` outputs inside; outwards (..., in_features) to (..., out_features) as before."""

    def __init__(self, layer: nn.Linear):
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, layer.weight.device)
        self.weight, self.bias = layer.weight, layer.bias
        with torch.no_grad():
            self._wide = widened(layer.weight, layer.bias)

    def forward(self, input: Tensor) -> Tensor:
        """(..., in_features) to (..., out_features)."""
        return functional.linear(input, *self._wide)[..., : self.out_features].contiguous()


def widen_layers(network: Module) -> Module:
    """The network, whose dense layers of fewer than `LEAST_OUTPUTS` outputs are replaced; for prediction alone, on the
    device where it is.
    """
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if type(layer) is nn.Linear and layer.out_features < LEAST_OUTPUTS:
                setattr(module, name, WideLinear(layer))
    return network
