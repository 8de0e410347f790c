"""GN2, ATLAS's transformer for jet flavour tagging."""

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction, Positive
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.attention_pool import AttentionPool
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.dropout import Dropout
from bevatron.models.layers.encoder import SelfAttention
from bevatron.models.layers.encoding import Encoding
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_length import Sets, by_length
from bevatron.models.layers.registers import WithRegisters
from bevatron.models.layers.sequence import SequenceInput, join_dense


@architecture("gn2")
class GN2(nn.Module):
    """Tracks with their jet's features, a transformer, attention pooling, and dense layers (arXiv:2505.19689, ATLAS).

    The network is the one that ATLAS trains with salt (github umami-hep/salt, salt/configs/GN2/GN2.yaml), and its sizes
    are the defaults:

    1. The dense groups are appended to the features of each element.
    2. An embedding network with one hidden layer reads each element. A register is added to each list.
    3. The encoder has blocks with a layer normalisation before each part (Xiong et al., arXiv:2002.04745). The
       normalisations have no weights.
    4. A linear layer to `output_width` and a last normalisation follow.
    5. The pool is the sum of the elements, weighted by attention. The hidden layers of the outputs read it.

    The initial weights follow PyTorch's default rules, as in salt. With `gated` the feedforward layers are gated linear
    units (Shazeer, arXiv:2002.05202). With `layer_scale` the result of each part is scaled feature by feature before it
    is added (Touvron et al., arXiv:2103.17239).

    Auxiliary tasks read the elements after the last normalisation and the pool, as in salt. If all groups are dense,
    they form a list of one element (see `SequenceInput`).

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    class Options(Options):
        embedding_widths: list[Count] = Field(default=[256], description="units of the hidden layers of the embedding")
        width: Count = Field(default=256, description="width of an element's embedding; a multiple of heads")
        blocks: Count = Field(default=4, description="blocks of attention and feedforward layers")
        heads: Count = Field(default=8, description="heads of the attention")
        feedforward: Count = Field(default=512, description="units of the feedforward layer in each block")
        gated: bool = Field(default=False, description="feedforward layers are gated linear units")
        layer_scale: Positive | None = Field(
            default=None, description="initial value of the factors on each part's result; default: no such factors"
        )
        registers: Count = Field(default=1, description="learned elements (registers) that are added to each list")
        output_width: Count = Field(default=128, description="width of an element after the encoder, and of the pool")
        widths: list[Count] = Field(default=[128, 64, 32], description="units of the hidden layers over the pool")
        activation: ActivationName = Field(default="relu", description="of all hidden layers")
        dropout: Fraction = Field(
            default=0.0, description="fraction of attention and hidden units set to zero in each training step", lt=1.0
        )

        @model_validator(mode="after")
        def _heads_share_the_width(self) -> "GN2.Options":
            if self.width % self.heads:
                raise ValueError(f"width must be a multiple of heads, found {self.width} and {self.heads}")
            return self

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.sequence_input = SequenceInput(inputs)
        n_features = self.sequence_input.n_features + self.sequence_input.n_dense_features
        self.embedding = dense_layers(n_features, options.embedding_widths, options.activation, 0.0, options.width)
        self.registers = nn.Parameter(1e-4 * torch.randn(options.registers, options.width))
        self.blocks = nn.ModuleList(GN2Block(options) for _ in range(options.blocks))
        self.output = nn.Linear(options.width, options.output_width)
        self.pool = AttentionPool(options.output_width)
        self.element_width = self.sample_width = options.output_width
        self.layers = dense_layers(self.sample_width, options.widths, options.activation, options.dropout, n_outputs)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        encoded, _, longer = self._encode(inputs)
        return self.layers(self.pool(encoded, longer.lists))

    def encode(self, inputs: Inputs) -> Encoding:
        """The elements after the last normalisation, and their pool."""
        encoded, sets, longer = self._encode(inputs)
        return Encoding(longer.drop(encoded), sets, self.pool(encoded, longer.lists))

    def decode(self, encoding: Encoding) -> Tensor:
        """The outputs (batch, n_outputs)."""
        return self.layers(encoding.sample)

    def _encode(self, inputs: Inputs) -> tuple[Tensor, Sets, WithRegisters]:
        """Elements and registers after the last normalisation; the lists without and with registers."""
        lists, dense = self.sequence_input(inputs)
        sets = by_length(join_dense(lists, dense[:, : self.sequence_input.n_dense_features]))
        longer = WithRegisters(sets, len(self.registers))
        encoded = longer.join(self.embedding(sets.elements), self.registers)
        for block in self.blocks:
            encoded = block(encoded, longer.lists)
        encoded = self.output(encoded)
        return functional.layer_norm(encoded, encoded.shape[-1:]), sets, longer


class GN2Block(nn.Module):
    """x + s attention(norm(x)), then x + s feedforward(norm(x)); norm has no weights, and s is 1 or learned."""

    def __init__(self, options: GN2.Options):
        super().__init__()
        width, hidden = options.width, options.feedforward
        self.attention = SelfAttention(width, options.heads, options.dropout)
        self.gated = options.gated
        self.linear1 = nn.Linear(width, 2 * hidden if options.gated else hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.activation = activation(options.activation)
        self.dropout = Dropout(options.dropout)
        scale = options.layer_scale
        self.scales = None if scale is None else nn.Parameter(torch.full((2, width), scale))

    def forward(self, x: Tensor, lists: Sets) -> Tensor:
        """Elements as `lists` has them, of width features; returns the same."""
        x = self._add(x, self.attention(functional.layer_norm(x, x.shape[-1:]), lists), 0)
        hidden = self.linear1(functional.layer_norm(x, x.shape[-1:]))
        if self.gated:
            hidden, factor = hidden.chunk(2, -1)
            hidden = self.activation(hidden) * factor
        else:
            hidden = self.activation(hidden)
        return self._add(x, self.linear2(self.dropout(hidden)), 1)

    def _add(self, x: Tensor, result: Tensor, part: int) -> Tensor:
        return x + result if self.scales is None else torch.addcmul(x, result, self.scales[part])
