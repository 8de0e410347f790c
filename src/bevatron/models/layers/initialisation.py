"""Initial weights by name. Biases start at zero."""

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from bevatron.config.sections.section import Positive, Section


class Initialisation(Section):
    """How the weights of linear and convolutional layers are drawn.

    he: normal with variance 2 / fan_in (He et al. 2015); glorot: uniform with variance 2 / (fan_in + fan_out) (Glorot
    and Bengio 2010); normal: normal of width `std`; truncated_normal: the same, drawn again beyond two widths; zeros:
    all zero.
    """

    kind: Literal["he", "glorot", "normal", "truncated_normal", "zeros"] = Field(
        default="he", description="distribution of the weights"
    )
    std: Positive = Field(default=0.1, description="width of the normal distribution, before truncation")


def initialise(network: nn.Module, how: Initialisation) -> None:
    """Draw all linear and convolutional weights again from torch's global generator, in the order of the modules."""
    for module in network.modules():
        if not isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            continue
        with torch.no_grad():
            if how.kind == "he":
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif how.kind == "glorot":
                nn.init.xavier_uniform_(module.weight)
            elif how.kind == "normal":
                nn.init.normal_(module.weight, std=how.std)
            elif how.kind == "truncated_normal":
                nn.init.trunc_normal_(module.weight, std=how.std, a=-2 * how.std, b=2 * how.std)
            else:
                nn.init.zeros_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
