"""The outer approach to recursive networks: a list is folded, layer by layer, until one vector is left."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_pair import by_pair
from bevatron.models.layers.sequence import SequenceInput


@architecture("outer_fold")
class OuterFold(nn.Module):
    """Folds a jet's lists: in each layer one network, the same all along the list, makes one vector of two neighbours.

        y⁰_i = φ(A x_i + a),   yˡ_i = φ(Wˡ (yˡ⁻¹_2i, yˡ⁻¹_2i+1) + bˡ)   until one is left

    P. Baldi (Data Min. Knowl. Discov. 32 (2018) 218), an author of arXiv:1607.08633, describes outer networks as
    working recursively outside of the data's graph and progressively folding it. Inner networks move along the graph,
    as an LSTM does. `outer_convolution` follows his group's code. Missing elements are zero, and two missing neighbours
    make one missing vector. If all groups are dense, they form a list of one element (see `SequenceInput`).

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs). There are
    ⌈log2 n⌉ layers of folding.
    """

    class Options(Options):
        width: Count = Field(default=32, description="width of an element's embedding and of each folded vector")
        widths: list[Count] = Field(
            default=[64], description="units of the hidden layers over the last vector and the dense features"
        )
        activation: ActivationName = Field(default="relu", description="of all layers but the last")
        dropout: Fraction = Field(
            default=0.0, description="fraction of hidden units set to zero in each training step", lt=1.0
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of the weights")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.sequence_input = SequenceInput(inputs)
        self.embedding = nn.Linear(self.sequence_input.n_features, options.width)
        n_folds = (self.sequence_input.n - 1).bit_length()
        self.folds = nn.ModuleList(nn.Linear(2 * options.width, options.width) for _ in range(n_folds))
        self.activation = activation(options.activation)
        width = options.width + self.sequence_input.n_dense
        self.layers = dense_layers(width, options.widths, options.activation, options.dropout, n_outputs)
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        lists, dense = self.sequence_input(inputs)
        folded = by_pair(lists)
        vectors = self.activation(self.embedding(folded.elements))
        for fold in self.folds:
            pairs, folded = folded.pair(vectors)
            vectors = self.activation(fold(pairs))
        return self.layers(torch.cat([folded.single(vectors), dense], 1))
