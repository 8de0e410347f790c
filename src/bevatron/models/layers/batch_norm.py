"""Batch normalisation over the elements, pairs or edges of lists that exist, and not over padding."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

EPS, MOMENTUM = 1e-5, 0.1


class BatchNorm(nn.Module):
    """γ (x − mean) / √(variance + 1e-5) + β feature by feature (Ioffe and Szegedy, arXiv:1502.03167).

    In training, mean and variance are those of the batch's rows. Running values of both, which each step moves by a
    tenth towards those of its batch, are used outside of training. A batch of fewer than two rows has no variance: the
    running values are used, and do not change. With `relu`, max(0, ·) follows.

    Shapes: values (rows, width), or (..., width) with `present` (...) bool where some rows are padding; returns the
    same, in training zero where there is padding.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, width: int, relu: bool = False):
        super().__init__()
        self.relu = relu
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, values: Tensor, present: Tensor | None = None) -> Tensor:
        """Values (..., width), each feature normalised."""
        if not self.training:
            return self._by_running(values)
        if present is None:
            return self._by_batch(values)
        normalised = self._by_batch(values[present])
        return torch.zeros_like(values, dtype=normalised.dtype).masked_scatter(present.unsqueeze(-1), normalised)

    def _by_running(self, values: Tensor) -> Tensor:
        scale = self.weight * torch.rsqrt(self.running_var + EPS)
        normalised = torch.addcmul(self.bias - self.running_mean * scale, values, scale)
        return torch.relu(normalised) if self.relu else normalised

    def _by_batch(self, rows: Tensor) -> Tensor:
        if len(rows) < 2:
            return self._by_running(rows)
        running = self.running_mean, self.running_var
        if rows.device.type == "cpu" and not torch.compiler.is_compiling():
            return _ByBatch.apply(rows, self.weight, self.bias, *running, self.relu)
        normalised = functional.batch_norm(rows, *running, self.weight, self.bias, True, MOMENTUM, EPS)
        return torch.relu_(normalised) if self.relu else normalised


class _ByBatch(Function):
    """PyTorch's kernels, called with the rows as the pixels of one image with its channels last.

    On a CPU this is several times as fast as with rows, which the kernels read feature by feature.
    """

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor, running_mean: Tensor, running_var: Tensor, relu: bool
    ) -> Tensor:
        found, mean, scale = torch.native_batch_norm(
            _image(rows), weight, bias, running_mean, running_var, True, MOMENTUM, EPS
        )
        found = found.view(rows.shape[1], len(rows)).t()
        found = found.clamp_min_(0) if relu else found
        ctx.relu = relu
        ctx.mark_non_differentiable(running_mean, running_var)
        ctx.save_for_backward(rows, weight, mean, scale, *((found,) if relu else ()))
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, mean, scale, *found = ctx.saved_tensors
        if ctx.relu:
            gradient = torch.ops.aten.threshold_backward(gradient, found[0], 0)
        image, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            _image(gradient), _image(rows), weight, None, None, mean, scale, True, EPS, [True, True, True]
        )
        return image.view(rows.shape[1], len(rows)).t(), of_weight, of_bias, None, None, None


def _image(rows: Tensor) -> Tensor:
    return rows.contiguous().view(1, len(rows), 1, rows.shape[1]).permute(0, 3, 1, 2)
