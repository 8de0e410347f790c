"""Networks as claims about their weights look at them: of the right shapes, without any memory for their numbers."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from bevatron.config.loading.kinds import ArchitectureOptions
from bevatron.config.sections.section import Count
from bevatron.report.claims.reference import ArithmeticOptions

if TYPE_CHECKING:
    from torch import nn


class NetworkOptions(ArithmeticOptions):
    """A network for images."""

    architecture: ArchitectureOptions = Field(description="the network and its own options")
    channels: Count = Field(default=3, description="channels of the images")
    side: Count = Field(default=224, description="side of the images")
    classes: Count = Field(default=1000, description="number of outputs")


def untrained_network(architecture: Any, channels: int, side: int, classes: int) -> "nn.Module":
    """The architecture (its options) for images of `channels` × `side` × `side`, on PyTorch's device without memory."""
    import torch

    from bevatron.config.loading.kinds import ARCHITECTURES
    from bevatron.models.layers.inputs import InputGroup

    names = tuple(f"channel_{k}" for k in range(channels))
    group = InputGroup((channels, side, side), names)
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return ARCHITECTURES[architecture.kind](architecture, {"image": group}, classes)
