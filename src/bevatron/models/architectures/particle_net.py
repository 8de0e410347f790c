"""ParticleNet: edge convolutions over the elements of a jet, taken as a cloud of points."""

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

    This follows Qu and Gouskos (arXiv:1902.08570). The default sizes are those of their ParticleNet. Their
    ParticleNet-Lite is `neighbours: 7, convolutions: [[32, 32, 32], [64, 64, 64]], widths: [128]`.

    The neighbours of an element are the nearest elements of the same list. The first convolution measures distances in
    `coordinates`, each later one in the features that the one before has computed. In a list of at most `neighbours` +
    1 elements, each element is connected with all others. An element without neighbours has only its shortcut. The
    initial weights follow PyTorch's default rules. Dense groups, which the paper does not have, are appended to the
    mean over the elements. If all groups are dense, they form a list of one element (see `SequenceInput`).

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    class Options(Options):
        coordinates: list[str] = Field(
            default=["delta_eta", "delta_phi"],
            description="features, as `group.feature` or `feature`, in their own units, by which the first convolution "
            "finds the nearest elements; empty list: all features, normalised",
        )
        neighbours: Count = Field(
            default=16, description="number of nearest elements that a convolution connects with each element"
        )
        convolutions: list[Annotated[list[Count], Field(min_length=1)]] = Field(
            default=[[64, 64, 64], [128, 128, 128], [256, 256, 256]],
            description="for each edge convolution, the units of its layers",
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
        """The elements after the convolutions; for each sample their mean and the dense groups."""
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
