"""A single unit: Rosenblatt's perceptron with the step, or with an activation that has a gradient."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs, dense_group

PerceptronActivation = Literal["step", "logistic", "tanh", "relu", "leaky_relu", "prelu"]


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


class ScaledTanh(nn.Module):
    """(1 + tanh z) / 2: targets ±1 of a tanh unit, written as 0 and 1; its gradient is a quarter of theirs."""

    def forward(self, z: Tensor) -> Tensor:
        """`z` (any shape) to values in (0, 1), of the same shape."""
        return (1 + torch.tanh(z)) / 2


class StepActivation(nn.Module):
    """`Step` as a module."""

    def forward(self, z: Tensor) -> Tensor:
        """`z` (any shape) to 0 or 1, of the same shape."""
        return Step.apply(z)


_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "step": StepActivation,
    "logistic": nn.Sigmoid,
    "tanh": ScaledTanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
}


@architecture("perceptron")
class Perceptron(nn.Module):
    """y = f(w·x - θ), which says class 1 where y > 1/2; for the task `classification_2d`.

    Shapes: inputs {group: (batch, ...)}, flattened and joined; returns (batch, 2): 1 - y and y.
    """

    TASKS = ("classification_2d",)

    class Options(Options):
        activation: PerceptronActivation = Field(
            default="logistic", description="f; 'step' learns by Rosenblatt's rule"
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of w; θ starts at zero")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = list(inputs)
        self.linear = nn.Linear(sum(group.size for group in inputs.values()), 1)
        self.activation = _ACTIVATIONS[options.activation]()
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to (batch, 2): 1 - y and y."""
        x = torch.cat([dense_group(inputs, name).flatten(1) for name in self.groups], 1)
        y = self.activation(self.linear(x))
        return torch.cat([1 - y, y], 1)

    def hyperplane(self) -> tuple[Tensor, float]:
        """W and θ."""
        return self.linear.weight.detach()[0], -self.linear.bias.item()
