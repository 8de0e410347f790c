"""A single unit: Rosenblatt's perceptron with the step, or with an activation that has a gradient."""

from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import architecture
from bevatron.config.sections.section import NonNegative, WithLaterKeys
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs, dense_group
from bevatron.models.layers.step import StepActivation

PerceptronActivation = Literal["step", "logistic", "tanh", "relu", "leaky_relu", "prelu"]


class ScaledTanh(nn.Module):
    """(1 + tanh z) / 2: targets ±1 of a tanh unit, written as 0 and 1; its gradient is a quarter of theirs."""

    def forward(self, z: Tensor) -> Tensor:
        """`z` (any shape) to values in (0, 1), of the same shape."""
        return (1 + torch.tanh(z)) / 2


_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "step": StepActivation,
    "logistic": nn.Sigmoid,
    "tanh": ScaledTanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
}
_WITH_SLOPE = {"leaky_relu": "negative_slope", "prelu": "init"}  # PyTorch's names


def _activation(name: PerceptronActivation, slope: float | None) -> nn.Module:
    """A fresh activation, with its own slope below zero where one is given."""
    return _ACTIVATIONS[name](**({} if slope is None else {_WITH_SLOPE[name]: slope}))


@architecture("perceptron")
class Perceptron(nn.Module):
    """y = f(w·x - θ), which says class 1 where y > 1/2; for the task `classification_2d`.

    Shapes: inputs {group: (batch, ...)}, flattened and joined; returns (batch, 2): 1 - y and y.
    """

    TASKS = ("classification_2d",)

    class Options(kinds.Options, WithLaterKeys):
        LATER: ClassVar[tuple[str, ...]] = ("slope",)

        activation: PerceptronActivation = Field(
            default="logistic", description="f; 'step' learns by Rosenblatt's rule"
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of w; θ starts at zero")
        slope: NonNegative | None = Field(
            default=None,
            description="f' below zero, of 'leaky_relu' (default: 0.01, as in Maas et al. 2013), or of 'prelu' at its "
            "start (default: 0.25, as in He et al. 2015)",
        )

        @model_validator(mode="after")
        def _has_a_slope(self) -> "Perceptron.Options":
            if self.slope is not None and self.activation not in _WITH_SLOPE:
                raise ValueError(f"slope: only {' and '.join(_WITH_SLOPE)} have one, found '{self.activation}'")
            return self

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = list(inputs)
        self.linear = nn.Linear(sum(group.size for group in inputs.values()), 1)
        self.activation = _activation(options.activation, options.slope)
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to (batch, 2): 1 - y and y."""
        x = torch.cat([dense_group(inputs, name).flatten(1) for name in self.groups], 1)
        y = self.activation(self.linear(x))
        return torch.cat([1 - y, y], 1)

    def hyperplane(self) -> tuple[Tensor, float]:
        """W and θ."""
        return self.linear.weight.detach()[0], -self.linear.bias.item()
