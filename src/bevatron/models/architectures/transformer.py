"""A transformer over lists: every element attends to every other."""

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.encoder import Encoder
from bevatron.models.layers.encoding import Encoding
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_length import Pooling, by_length
from bevatron.models.layers.sequence import SequenceInput


@architecture("transformer")
class Transformer(nn.Module):
    """Self-attention among a jet's elements, pool, and dense layers over the pool and the dense groups.

    An encoder after Vaswani et al. (arXiv:1706.03762) with the normalisation before each part (Xiong et al.,
    arXiv:2002.04745) and no encoding of places, so that the order means nothing. Attention is among the elements
    of one list, all else works on each element by itself. The pool of an empty list is zero. Dense groups alone are a
    list of one element (see `SequenceInput`).

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    class Options(Options):
        width: Count = Field(default=32, description="width of an element's embedding; a multiple of heads")
        heads: Count = Field(default=4, description="heads of the attention")
        blocks: Count = Field(default=2, description="blocks of attention and feedforward layers")
        feedforward: Count = Field(default=64, description="units of the feedforward layer in each block")
        pooling: Pooling = Field(default="mean", description="how the elements are brought together")
        widths: list[Count] = Field(
            default=[64], description="units of the hidden layers over the pool and the dense groups"
        )
        activation: ActivationName = Field(default="relu", description="of the hidden layers over the pool")
        dropout: Fraction = Field(
            default=0.0, description="fraction of units set to zero in each training step", lt=1.0
        )
        initialisation: Initialisation = Field(
            default_factory=Initialisation, description="of the layers over the pool"
        )

        @model_validator(mode="after")
        def _heads_share_the_width(self) -> "Transformer.Options":
            if self.width % self.heads:
                raise ValueError(f"width must be a multiple of heads, found {self.width} and {self.heads}")
            return self

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.sequence_input = SequenceInput(inputs)
        self.pooling: Pooling = options.pooling
        self.embedding = nn.Linear(self.sequence_input.n_features, options.width)
        self.encoder = Encoder(options.width, options.heads, options.blocks, options.feedforward, options.dropout)
        self.element_width, self.sample_width = options.width, options.width + self.sequence_input.n_dense
        self.layers = dense_layers(self.sample_width, options.widths, options.activation, options.dropout, n_outputs)
        initialise(self.layers, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Inputs) -> Encoding:
        """The elements after attention, and their pool beside the dense groups."""
        lists, dense = self.sequence_input(inputs)
        sets = by_length(lists)
        encoded = self.encoder(self.embedding(sets.elements), sets)
        return Encoding(encoded, sets, torch.cat([sets.pool(encoded, self.pooling), dense], 1))

    def decode(self, encoding: Encoding) -> Tensor:
        """The outputs (batch, n_outputs)."""
        return self.layers(encoding.sample)
