"""Rosenblatt's step, which learns although it has no slope."""

import torch
from torch import Tensor, nn


class Step(torch.autograd.Function):
    """1 where z > 0, else 0, with the gradient of the identity.

    With it the delta rule of the squared error, Δw = η (t - y) f'(z) x, becomes Rosenblatt's rule (1958),
    Δw = η (t - y) x: nothing changes for a sample on the right side, and the line is moved by η x for one on the wrong
    side.
    """

    @staticmethod
    def forward(ctx, z: Tensor) -> Tensor:
        """`z` (any shape) to 0 or 1, of the same shape and type."""
        return (z > 0).to(z.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        """The gradient as it comes, as if the step were the identity."""
        return gradient


class StepActivation(nn.Module):
    """`Step` as a module."""

    def forward(self, z: Tensor) -> Tensor:
        """`z` (any shape) to 0 or 1, of the same shape."""
        return Step.apply(z)
