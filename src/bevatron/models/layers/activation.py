"""Activation functions by name."""

from typing import Literal

from torch import nn

ActivationName = Literal[
    "relu", "leaky_relu", "prelu", "elu", "gelu", "silu", "softplus", "tanh", "logistic", "identity"
]

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "identity": nn.Identity,
}


def activation(name: ActivationName) -> nn.Module:
    """A fresh module, since some activations have weights of their own."""
    return _ACTIVATIONS[name]()
