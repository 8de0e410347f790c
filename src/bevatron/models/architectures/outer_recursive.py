"""A recursive network whose state is made of the outer product of each element with the state before it."""

import math

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_step import Steps, by_step
from bevatron.models.layers.sequence import SequenceInput


@architecture("outer_recursive")
class OuterRecursive(nn.Module):
    """Reads a jet's lists in their order; each step takes the outer product of the element and the state.

        e_t = tanh(A x_t + a)                                 the element's embedding
        c_t = tanh(W · vec((e_t, 1) ⊗ (s_{t-1}, 1)))          what the two together say
        s_t = s_{t-1} + g_t (c_t − s_{t-1}),  s_0 = 0         taken over as far as the gate g_t = σ(G e_t + g) is open

    The ones appended to both factors bring the terms that are linear in the element and in the state, and the bias, so
    that W has state × (embedding + 1) × (state + 1) weights. Gates start a quarter open (bias −1), so that early
    elements, the most displaced tracks, are not forgotten: without gates the network learns the training sample by
    heart instead. The last state and the dense groups go through dense layers. Dense groups alone are a list of one
    element (see `SequenceInput`).

    This is a second-order recurrent network (Giles et al. 1992; the tensor layers of Socher et al. 2013). It stands in
    the place of the "outer recursive" networks of Guest et al. (arXiv:1607.08633), whose formula was not at hand: in
    that group's own terms (Baldi, Data Min. Knowl. Discov. 32 (2018) 218) "outer" says that the recursion runs outside
    of the sequence, folding it layer by layer, which is the architecture `outer_fold`.

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs). Each step
    of the loop takes all jets of a batch that have an element left.
    """

    class Options(Options):
        embedding: Count = Field(default=16, description="width of an element's embedding")
        state: Count = Field(default=24, description="width of the state")
        widths: list[Count] = Field(
            default=[64], description="units of the hidden layers over the state and the dense groups"
        )
        activation: ActivationName = Field(default="relu", description="of the hidden layers")
        dropout: Fraction = Field(
            default=0.0,
            description="fraction of the state and of hidden units set to zero in each training step",
            lt=1.0,
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of the dense layers")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.sequence_input = SequenceInput(inputs)
        self.embedding = nn.Linear(self.sequence_input.n_features, options.embedding)
        # tanh keeps both factors below one, so that the product's variance is at most that of a plain layer
        fan = (options.embedding + 1) * (options.state + 1)
        bound = math.sqrt(6.0 / (fan + options.state))
        self.weight = nn.Parameter(torch.empty(options.state, options.embedding + 1, options.state + 1))
        nn.init.xavier_uniform_(self.embedding.weight)
        nn.init.zeros_(self.embedding.bias)
        nn.init.uniform_(self.weight, -bound, bound)
        self.gate = nn.Linear(options.embedding, options.state)
        nn.init.xavier_uniform_(self.gate.weight)
        nn.init.constant_(self.gate.bias, -1.0)
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        width = options.state + self.sequence_input.n_dense
        self.layers = dense_layers(width, options.widths, options.activation, options.dropout, n_outputs)
        initialise(self.layers, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        lists, dense = self.sequence_input(inputs)
        state = self.dropout(self.last_state(by_step(lists)))
        return self.layers(torch.cat([state, dense], 1))

    def last_state(self, lists: Steps) -> Tensor:
        """The state after the last element of each list, (batch, state).

        The product is never written down: its weights meet the state first, and the element the result. What does not
        contain the state is computed for all elements at once.
        """
        width, n_embedding, _ = self.weight.shape
        embedded = torch.tanh(self.embedding(lists.elements))
        gates = lists.steps(torch.sigmoid(self.gate(embedded)))
        without_state = lists.steps(functional.linear(embedded, self.weight[:, :-1, -1], self.weight[:, -1, -1]))
        with_state = self.weight[:, :, :-1].permute(2, 1, 0).reshape(width, n_embedding * width)
        embedded = functional.pad(embedded, (0, 1), value=1.0)
        states = [gates[0] * torch.tanh(without_state[0])]
        for element, gate, alone in zip(lists.steps(embedded)[1:], gates[1:], without_state[1:], strict=True):
            state = states[-1][: element.shape[0]]
            met = (state @ with_state).view(-1, n_embedding, width)
            candidate = torch.tanh(alone + (element.unsqueeze(1) @ met).squeeze(1))
            states.append(torch.lerp(state, candidate, gate))
        return lists.last(states)
