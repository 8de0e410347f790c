"""ParticleNet: convolutions over a jet's elements as a cloud of points."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName
from bevatron.models.layers.batch_norm import BatchNorm
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.edge_convolution import EdgeConvolution
from bevatron.models.layers.encoding import Encoding
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_length import PaddedSets, by_length
from bevatron.models.layers.physical import PhysicalFeatures
from bevatron.models.layers.sequence import SequenceInput


@architecture("particle_net")
class ParticleNet(nn.Module):
    """Batch normalisation of the features, edge convolutions, mean over the elements, and dense layers.

    After Qu and Gouskos (arXiv:1902.08570), whose ParticleNet has the default sizes; ParticleNet-Lite is `neighbours:
    7, convolutions: [[32, 32, 32], [64, 64, 64]], widths: [128]`. Neighbours of the first convolution are near in
    `coordinates`, those of each later one in the features that the one before made. They are elements of the same list:
    a list of fewer elements than `neighbours` + 1 is a complete graph, and an element without any neighbour has its
    shortcut alone. Weights start by PyTorch's own rules. Dense groups are joined to the mean, of which the paper has
    none; dense groups alone are a list of one element (see `SequenceInput`).

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    class Options(Options):
        coordinates: list[str] = Field(
            default=["delta_eta", "delta_phi"],
            description="features, as `group.feature` or `feature`, in which neighbours of the first convolution are "
            "near, in their own units; none: all features, normalised",
        )
        neighbours: Count = Field(default=16, description="nearest elements that each element learns from")
        convolutions: list[Annotated[list[Count], Field(min_length=1)]] = Field(
            default=[[64, 64, 64], [128, 128, 128], [256, 256, 256]],
            description="units of the layers of each edge convolution, one after another",
            min_length=1,
        )
        widths: list[Count] = Field(
            default=[256], description="units of the hidden layers over the mean and the dense groups"
        )
        activation: ActivationName = Field(default="relu", description="of the hidden layers over the mean")
        dropout: Fraction = Field(
            default=0.1, description="fraction of hidden units over the mean set to zero in each training step", lt=1.0
        )

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.sequence_input = SequenceInput(inputs)
        names, width = options.coordinates, self.sequence_input.n_features
        self.points = PhysicalFeatures(inputs, names, "coordinates") if names else None
        self.norm = BatchNorm(width)
        self.convolutions = nn.ModuleList()
        for units in options.convolutions:
            self.convolutions.append(EdgeConvolution(width, list(units), options.neighbours))
            width = units[-1]
        self.element_width, self.sample_width = width, width + self.sequence_input.n_dense_features
        self.layers = dense_layers(self.sample_width, options.widths, options.activation, options.dropout, n_outputs)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Inputs) -> Encoding:
        """The elements after the convolutions, and their mean beside the dense groups."""
        lists, dense = self.sequence_input(inputs)
        sets = by_length(lists)
        points = sets.elements if self.points is None else self.points(sets.elements)
        elements = self.norm(sets.elements, sets.present if isinstance(sets, PaddedSets) else None)
        for convolution in self.convolutions:
            elements = convolution(elements, points, sets)
            points = elements
        dense = dense[:, : self.sequence_input.n_dense_features]
        return Encoding(elements, sets, torch.cat([sets.pool(elements, "mean"), dense], 1))

    def decode(self, encoding: Encoding) -> Tensor:
        """The outputs (batch, n_outputs)."""
        return self.layers(encoding.sample)
