"""A network with long short-term memory over lists."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.lists_by_step import by_step
from bevatron.models.layers.recurrent import ListLSTM
from bevatron.models.layers.sequence import SequenceInput


@architecture("lstm")
class LSTM(nn.Module):
    """Reads a jet's lists in their order, keeps the last state, and joins it with the dense groups in dense layers.

    The cell is that of Hochreiter and Schmidhuber (1997) with forget gates, as Guest et al. (arXiv:1607.08633) use it:

        i, f, o = σ(W x_t + U h_{t-1} + b),  g = tanh(W' x_t + U' h_{t-1} + b'),
        c_t = f c_{t-1} + i g,  h_t = o tanh(c_t),  h_0 = c_0 = 0.

    Each step takes the lists of the batch that have an element left, and an empty list leaves the state zero. Forget
    gates start open (bias 1, Jozefowicz et al. 2015). Dense groups alone are a list of one element (see
    `SequenceInput`).

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs).
    """

    class Options(Options):
        state: Count = Field(default=32, description="width of the state")
        layers: Count = Field(default=1, description="recurrent layers, each over the states of the one before")
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
        self.recurrent = ListLSTM(self.sequence_input.n_features, options.state, options.layers, batch_first=True)
        _open_forget_gates(self.recurrent)
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        width = options.state + self.sequence_input.n_dense
        self.layers = dense_layers(width, options.widths, options.activation, options.dropout, n_outputs)
        initialise(self.layers, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        lists, dense = self.sequence_input(inputs)
        state = self.dropout(self.recurrent(by_step(lists)))
        return self.layers(torch.cat([state, dense], 1))


def _open_forget_gates(recurrent: nn.LSTM) -> None:
    """Biases of torch's two sets, of which the sum counts: one for the forget gates, zero for the others."""
    with torch.no_grad():
        for name, bias in recurrent.named_parameters():
            if name.startswith("bias"):
                bias.zero_()
            if name.startswith("bias_ih"):
                bias[recurrent.hidden_size : 2 * recurrent.hidden_size] = 1.0
