"""The outer approach to recursive networks, after its authors' code: convolutions along a list."""

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.encoding import Encoding
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_length import by_length
from bevatron.models.layers.sequence import SequenceInput


@architecture("outer_convolution")
class OuterConvolution(nn.Module):
    """Layers orthogonal to a jet's lists: in each, one network reads every element with its neighbours.

        y⁰_i = x_i,   yˡ_i = φ(Σ_k Wˡ_k yˡ⁻¹_{i+k} + bˡ),  k = −(window − 1)/2 … (window − 1)/2
        s = Σ_l Σ_i softmax(Fˡ yˡ_i + fˡ),  l = 0 … layers

    The weights are the same all along the list, and missing neighbours are zero. After l layers a vector depends on the
    elements up to l (window − 1)/2 places away. Every layer adds to the summary s of the list: each element adds one
    unit, divided among the numbers of the summary by a softmax. Dense layers read the summary and the dense groups.

    Guest et al. (arXiv:1607.08633) compare "outer recursive" networks, but give no formula. Their group describes the
    outer approach twice:

    - P. Baldi, Data Min. Knowl. Discov. 32 (2018) 218: outer networks work outside of the data's graph and orthogonal
      to it. Inner networks move along the graph, as an LSTM does.
    - G. Urban, N. Subrahmanya and P. Baldi, J. Chem. Inf. Model. 58 (2018) 207, with code (GitHub,
      Chemoinformatics/InnerOuterRNN, folder Outer): a stack of convolutions over direct neighbours in the graph. Each
      adds, through a softmax, to a sum over the nodes (the neural fingerprint of Duvenaud et al., arXiv:1509.09292),
      which dense layers read. The defaults are 4 layers of width 20, a fingerprint of 50 numbers and three dense layers
      of 200 units.

    Here the graph is the list. Three things differ from that code. It sums the neighbours and applies one matrix,
    because the bonds of a molecule have no direction; a list has one, so each place of the window has its own matrix.
    It applies an activation to an element and one to its neighbours; here one is applied to their sum. Its last layer
    adds nothing to the sum; here all layers do.

    If all groups are dense, they form a list of one element (see `SequenceInput`).
    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    class Options(Options):
        width: Count = Field(default=20, description="width of an element's vector after each layer")
        layers: Count = Field(default=3, description="layers over the neighbours")
        window: Count = Field(default=3, description="number of neighbouring elements that a layer reads at once; odd")
        summary: Count = Field(
            default=50, description="width of the summary of a list, to which all elements and layers add"
        )
        widths: list[Count] = Field(
            default=[64], description="units of the hidden layers over the summary and the dense groups"
        )
        activation: ActivationName = Field(default="relu", description="of all layers but the last")
        dropout: Fraction = Field(
            default=0.0,
            description="fraction of the summary and of hidden units set to zero in each training step",
            lt=1.0,
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of the weights")

        @model_validator(mode="after")
        def _window_has_a_middle(self) -> "OuterConvolution.Options":
            if self.window % 2 == 0:
                raise ValueError(f"window must be odd, so that it has a middle; found {self.window}")
            return self

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.sequence_input = SequenceInput(inputs)
        self.reach = options.window // 2
        widths = [self.sequence_input.n_features] + [options.width] * options.layers
        self.convolutions = nn.ModuleList(nn.Linear(options.window * n, options.width) for n in widths[:-1])
        self.contributions = nn.ModuleList(nn.Linear(n, options.summary) for n in widths)
        self.activation = activation(options.activation)
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        self.element_width, self.sample_width = options.width, options.summary + self.sequence_input.n_dense
        self.layers = dense_layers(self.sample_width, options.widths, options.activation, options.dropout, n_outputs)
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Inputs) -> Encoding:
        """The elements after the last layer; for each sample the summary and the dense groups."""
        lists, dense = self.sequence_input(inputs)
        sets = by_length(lists)
        first, *others = self.contributions
        vectors = sets.elements
        added = torch.softmax(first(vectors), -1)
        for convolution, contribution in zip(self.convolutions, others, strict=True):
            vectors = self.activation(convolution(sets.windows(vectors, self.reach)))
            added = added + torch.softmax(contribution(vectors), -1)
        summary = self.dropout(sets.pool(added, "sum"))
        return Encoding(vectors, sets, torch.cat([summary, dense], 1))

    def decode(self, encoding: Encoding) -> Tensor:
        """The outputs (batch, n_outputs)."""
        return self.layers(encoding.sample)
