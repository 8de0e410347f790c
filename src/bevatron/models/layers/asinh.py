"""The inverse hyperbolic sine, several times as fast as PyTorch's on a CPU, which computes one number after another."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def asinh(x: Tensor) -> Tensor:
    """The inverse hyperbolic sine of each number, as precise as PyTorch's; PyTorch's own on a GPU and in ONNX."""
    if x.is_cuda or torch.compiler.is_exporting():
        return torch.asinh(x)
    return _Asinh.apply(x)


class _Asinh(Function):
    """sign(x) log1p(|x| + |x| · |x| / (1 + √(1 + x²))): no cancellation near 0, no overflow far out."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        size = x.abs()
        one = x.new_ones(())
        return torch.hypot(x, one).add_(1).reciprocal_().mul_(size).mul_(size).add_(size).log1p_().copysign_(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient / torch.hypot(x, x.new_ones(()))
