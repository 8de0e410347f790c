"""Deep sets: a network over lists to which their order means nothing."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.encoding import Encoding
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_length import Pooling, by_length
from bevatron.models.layers.sequence import SequenceInput


@architecture("deep_sets")
class DeepSets(nn.Module):
    """f = ρ(Σ_i φ(x_i), dense groups): every function of a set has this form (Zaheer et al., arXiv:1703.06114).

    φ and ρ are fully connected; the sum runs over the elements present. On jets this is the particle flow network of
    Komiske, Metodiev and Thaler (arXiv:1810.05165). Dense groups alone are a set of one element (see `SequenceInput`).

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    class Options(Options):
        element_widths: list[Count] = Field(
            default=[64, 64], description="units of the layers over each element", min_length=1
        )
        pooling: Pooling = Field(default="mean", description="how the elements are brought together")
        widths: list[Count] = Field(
            default=[64], description="units of the hidden layers over the pool and the dense groups"
        )
        activation: ActivationName = Field(default="relu", description="of all layers but the last")
        dropout: Fraction = Field(
            default=0.0, description="fraction of hidden units set to zero in each training step", lt=1.0
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of the weights")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.sequence_input = SequenceInput(inputs)
        self.pooling: Pooling = options.pooling
        *hidden, width = options.element_widths
        self.elements = nn.Sequential(
            dense_layers(self.sequence_input.n_features, hidden, options.activation, 0.0, width),
            activation(options.activation),
        )
        self.element_width, self.sample_width = width, width + self.sequence_input.n_dense
        self.layers = dense_layers(self.sample_width, options.widths, options.activation, options.dropout, n_outputs)
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Inputs) -> Encoding:
        """The elements after their own layers, and their pool beside the dense groups."""
        lists, dense = self.sequence_input(inputs)
        sets = by_length(lists)
        elements = self.elements(sets.elements)
        return Encoding(elements, sets, torch.cat([sets.pool(elements, self.pooling), dense], 1))

    def decode(self, encoding: Encoding) -> Tensor:
        """The outputs (batch, n_outputs)."""
        return self.layers(encoding.sample)
