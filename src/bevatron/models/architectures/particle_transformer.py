"""The Particle Transformer: attention among the elements of a jet, with a bias from the angle and mass of each pair."""

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.encoding import Encoding
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_length import Sets, by_length
from bevatron.models.layers.momenta import Component, Momenta, check_components
from bevatron.models.layers.particle_blocks import ElementEmbedding, PairEmbedding, ParticleBlock
from bevatron.models.layers.registers import WithRegisters
from bevatron.models.layers.sequence import SequenceInput


@architecture("particle_transformer")
class ParticleTransformer(nn.Module):
    """Blocks of attention with a bias for each pair of elements, and blocks in which a class token attends to them.

    This follows Qu, Li and Qian (arXiv:2202.03772), whose sizes are the defaults, and their code (github
    hqucms/weaver-core, weaver/nn/model/ParticleTransformer.py). The bias of each head is computed from the logarithms
    of kT, z, Δ and m² of the pair (see `pair_features`), and is the same in all blocks. With empty `momenta` there is
    no bias, which is the paper's plain variant. The blocks of the class token have no dropout. The initial weights
    follow PyTorch's default rules, and the class token is drawn from a normal distribution of width 0.02. Dense groups,
    which the paper does not have, are appended to the class token after its last normalisation. If all groups are
    dense, they form a list of one element (see `SequenceInput`).

    Auxiliary tasks read the elements after the last block and the same normalisation.

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    class Options(Options):
        momenta: dict[Component, str] = Field(
            description="for each component of an element's momentum its feature (`group.feature` or `feature`), in "
            "GeV and radians. Components: px, py, pz and energy; or pt or log_pt, with eta, phi and perhaps mass, "
            "whose default is a charged pion's. Empty: attention without pairs"
        )
        embedding_widths: list[Count] = Field(
            default=[128, 512, 128], description="units of the embedding's layers; the last is a multiple of heads",
            min_length=1,
        )  # fmt: skip
        pair_widths: list[Count] = Field(
            default=[64, 64, 64], description="units of the hidden layers over each pair of elements"
        )
        heads: Count = Field(default=8, description="heads of the attention")
        blocks: Count = Field(default=8, description="blocks of attention among the elements")
        class_blocks: Count = Field(default=2, description="blocks in which the class token attends to the elements")
        feedforward: Count = Field(default=512, description="units of the feedforward layer in each block")
        widths: list[Count] = Field(
            default=[], description="units of the hidden layers over the class token and the dense groups"
        )
        activation: ActivationName = Field(default="relu", description="of the hidden layers over the class token")
        dropout: Fraction = Field(
            default=0.1, description="fraction of attention and units set to zero in each training step", lt=1.0
        )

        @model_validator(mode="after")
        def _sizes_and_momenta_fit(self) -> "ParticleTransformer.Options":
            width = self.embedding_widths[-1]
            if width % self.heads:
                raise ValueError(
                    f"the last of embedding_widths must be a multiple of heads, found {width} and {self.heads}"
                )
            if self.momenta:
                check_components(set(self.momenta))
            return self

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.sequence_input = SequenceInput(inputs)
        width, heads, hidden = options.embedding_widths[-1], options.heads, options.feedforward
        self.embedding = ElementEmbedding(self.sequence_input.n_features, list(options.embedding_widths))
        self.momenta = Momenta(inputs, options.momenta) if options.momenta else None
        self.pair_embedding = PairEmbedding(list(options.pair_widths), heads) if options.momenta else None
        self.blocks = nn.ModuleList(ParticleBlock(width, heads, hidden, options.dropout) for _ in range(options.blocks))
        self.class_blocks = nn.ModuleList(ParticleBlock(width, heads, hidden, 0.0) for _ in range(options.class_blocks))
        self.class_token = nn.Parameter(nn.init.trunc_normal_(torch.empty(width), std=0.02))
        self.norm = nn.LayerNorm(width)
        self.element_width, self.sample_width = width, width + self.sequence_input.n_dense_features
        self.layers = dense_layers(self.sample_width, options.widths, options.activation, options.dropout, n_outputs)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        return self.layers(self._encode(inputs)[2])

    def encode(self, inputs: Inputs) -> Encoding:
        """The elements after their blocks; for each sample the class token and the dense groups."""
        elements, sets, sample = self._encode(inputs)
        return Encoding(self.norm(elements), sets, sample)

    def decode(self, encoding: Encoding) -> Tensor:
        """The outputs (batch, n_outputs)."""
        return self.layers(encoding.sample)

    def _encode(self, inputs: Inputs) -> tuple[Tensor, Sets, Tensor]:
        """The elements before the last normalisation, their lists, and the encoded samples."""
        lists, dense = self.sequence_input(inputs)
        sets = by_length(lists)
        elements, bias = self.embedding(sets), None
        if self.momenta is not None and self.pair_embedding is not None:
            bias = self.pair_embedding(self.momenta(sets.elements), sets)
        for block in self.blocks:
            elements = block(elements, sets, bias)
        longer = WithRegisters(sets, 1)
        tokens = self.class_token.expand(sets.lengths.shape[0], -1)
        for block in self.class_blocks:
            assert isinstance(block, ParticleBlock)
            tokens = block.attend_to(tokens, elements, longer)
        tokens = longer.lists.restore([self.norm(tokens)])
        return elements, sets, torch.cat([tokens, dense[:, : self.sequence_input.n_dense_features]], 1)
