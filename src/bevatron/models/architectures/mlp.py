"""Multi-layer perceptrons of any widths and activations."""

from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction
from bevatron.models.layers.activation import ActivationName
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.flat import flat_width, flatten_groups
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs


@architecture("mlp")
class MLP(nn.Module):
    """Fully connected layers over all inputs flattened and joined in the order of the groups.

    widths [50, 50] between one input and one output is the 1:50:50:1 network. Lists of tracks are flattened with
    their zero padding, the first track first, as in the feedforward networks of Guest et al. (arXiv:1607.08633,
    sec. IV); their length is a further input, so that a padded track is no track at the mean.

    Shapes: inputs {group: (batch, ...) or lists}; returns (batch, n_outputs), without a final
    activation.
    """

    class Options(Options):
        widths: list[Count] = Field(description="units of each hidden layer; empty: a single linear layer")
        activation: ActivationName = Field(default="relu", description="of the hidden layers")
        dropout: Fraction = Field(
            default=0.0, description="fraction of hidden units set to zero in each training step", lt=1.0
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of the weights")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = inputs
        width = flat_width(inputs)
        self.layers = dense_layers(width, options.widths, options.activation, options.dropout, n_outputs)
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        return self.layers(flatten_groups(inputs, self.groups))
