"""Fully connected layers, the end of most networks."""

from torch import nn

from bevatron.models.layers.activation import ActivationName, activation


def dense_layers(
    n_inputs: int, widths: list[int], kind: ActivationName, dropout: float, n_outputs: int
) -> nn.Sequential:
    """Hidden layers of `widths` units, each with its activation and dropout, then a linear layer to `n_outputs`."""
    layers: list[nn.Module] = []
    for units in widths:
        layers += [nn.Linear(n_inputs, units), activation(kind)]
        if dropout:
            layers.append(nn.Dropout(dropout))
        n_inputs = units
    return nn.Sequential(*layers, nn.Linear(n_inputs, n_outputs))
