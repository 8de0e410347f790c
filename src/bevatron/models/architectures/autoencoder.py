"""Auto-encoders of fully connected layers."""

from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.flat import flat_width, flatten_groups
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs


@architecture("autoencoder")
class Autoencoder(nn.Module):
    """Encodes an image, or the numbers of a sample, into `latent` latent dimensions, and decodes it again.

    With no further widths: one hidden layer, of units with an activation, and linear outputs, as in the lectures. With
    widths the encoder has them in turn, the decoder in reverse, and the hidden layer is linear. With noisy images as
    inputs and clean ones as targets it is a denoising auto-encoder (P. Vincent et al., JMLR 11 (2010) 3371).

    Shapes: inputs {group: (batch, ...)} dense; returns (batch, n_outputs); `encode` returns (batch, hidden).
    """

    TASKS = ("reconstruction", "regression")

    class Options(Options):
        latent: Count = Field(default=10, description="number of latent dimensions")
        widths: list[Count] = Field(
            default=[], description="units of the layers before it; the decoder has them in reverse"
        )
        activation: ActivationName = Field(default="tanh", description="activation of all hidden layers")
        initialisation: Initialisation = Field(default_factory=Initialisation, description="how weights are drawn")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = inputs
        encoder: list[nn.Module] = []
        before = flat_width(inputs)
        for after in options.widths:
            encoder += [nn.Linear(before, after), activation(options.activation)]
            before = after
        encoder.append(nn.Linear(before, options.latent))
        encoder += [] if options.widths else [activation(options.activation)]
        decoder: list[nn.Module] = []
        before = options.latent
        for after in reversed(options.widths):
            decoder += [nn.Linear(before, after), activation(options.activation)]
            before = after
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder, nn.Linear(before, n_outputs))
        initialise(self, options.initialisation)

    def encode(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to the hidden representation (batch, hidden)."""
        return self.encoder(flatten_groups(inputs, self.groups))

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to the target's pixels or numbers (batch, n_outputs)."""
        return self.decoder(self.encode(inputs))
