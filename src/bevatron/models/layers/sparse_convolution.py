"""Convolutions over the charged pixels of sparse images: what they cost follows the number of these pixels.

Submanifold convolutions (B. Graham, M. Engelcke and L. van der Maaten, arXiv:1711.10275): the output lives where the
input does, and empty pixels are read as zero, so that a track stays as thin as it is however many layers there are.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from bevatron.models.layers.sparse_sites import PARTS, PLACES, SparseResolution


class SubmanifoldConvolution(nn.Module):
    """3 × 3, without a bias: y_i = Σ_k W_k x_(neighbour k of i), over the pixels that there are.

    Shapes: values (n, width) of the n pixels of a resolution to (n, outputs); `weight` (9, width, outputs).
    """

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(PLACES, width, outputs))
        nn.init.normal_(self.weight, std=math.sqrt(2.0 / (PLACES * width)))

    def forward(self, values: Tensor, at: SparseResolution) -> Tensor:
        """Values (n, width) to (n, outputs)."""
        with torch.autocast(values.device.type, enabled=False):
            return _Gathered.apply(values.to(self.weight.dtype), self.weight, at.neighbours)


class _Gathered(Function):
    """Gathers what each pixel reads, then one matrix product. The gradient by the values is the same with the kernel
    turned round, so that it is gathered too: nothing is added up where two threads could meet.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, neighbours: Tensor) -> Tensor:
        ctx.save_for_backward(values, weight, neighbours)
        return _gather(values, neighbours) @ weight.flatten(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        values, weight, neighbours = ctx.saved_tensors
        of_values = of_weight = None
        if ctx.needs_input_grad[0]:
            turned = weight.flip(0).transpose(1, 2)
            of_values = _gather(gradient, neighbours) @ turned.flatten(0, 1)
        if ctx.needs_input_grad[1]:
            of_weight = (_gather(values, neighbours).t() @ gradient).view_as(weight)
        return of_values, of_weight, None


def _gather(values: Tensor, neighbours: Tensor) -> Tensor:
    """(n, width) to (n, 9 · width): of each pixel the values around it, zero where there is no pixel."""
    with_none = torch.cat([values, values.new_zeros((1, values.shape[1]))])
    return with_none.index_select(0, neighbours.view(-1)).view(len(values), PLACES * values.shape[1])


class Downsample(nn.Module):
    """2 × 2 with stride 2: values (n, width) of a resolution to (n_coarser, outputs) of the next coarser one."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.linear = nn.Linear(PARTS * width, outputs, bias=False)

    def forward(self, values: Tensor, at: SparseResolution) -> Tensor:
        """The pixels of the coarser resolution, each from up to four."""
        if at.places is None:
            raise ValueError("there is no coarser resolution")
        parts = at.places.put(values)
        return self.linear(parts.reshape(len(parts) // PARTS, PARTS * values.shape[1]))


class Upsample(nn.Module):
    """The transpose of `Downsample`: values (n_coarser, width) to (n, outputs) of the pixels that there were."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.outputs = outputs
        self.linear = nn.Linear(width, PARTS * outputs, bias=False)

    def forward(self, values: Tensor, at: SparseResolution) -> Tensor:
        """The pixels of the finer resolution, each from the one that it lies in."""
        if at.places is None:
            raise ValueError("there is no coarser resolution")
        return at.places.take(self.linear(values).reshape(len(values) * PARTS, self.outputs))
