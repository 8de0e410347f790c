"""Auto-encoders of convolutions."""

from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count
from bevatron.errors import UserError
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.images import image_shape, join_images
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs


@architecture("convolutional_autoencoder")
class ConvolutionalAutoencoder(nn.Module):
    """As `autoencoder`, but each layer of the encoder is a 3 × 3 convolution that halves the image, and each of the
    decoder enlarges it twofold, by the nearest pixel and a 3 × 3 convolution, which leaves no chequered pattern as a
    transposed convolution does (A. Odena et al., Distill (2016)).

    Shapes: inputs {group: (batch, channels, height, width)}, of one size, whose sides the halvings must divide; returns
    (batch, n_outputs), images of that size one pixel after the other; `encode` returns (batch, hidden). Raises
    UserError for images of other sides, and for targets of another size.
    """

    TASKS = ("reconstruction",)

    class Options(Options):
        latent: Count = Field(default=10, description="number of latent dimensions")
        channels: list[Count] = Field(
            default=[8, 16], description="channels of the encoder's convolutions", min_length=1
        )
        activation: ActivationName = Field(default="relu", description="activation of all hidden layers")
        initialisation: Initialisation = Field(default_factory=Initialisation, description="how weights are drawn")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = list(inputs)
        channels, height, width = image_shape(inputs, options.kind)
        by = 2 ** len(options.channels)
        if height % by or width % by:
            what = f"images of {height}×{width} cannot be halved {len(options.channels)} times by '{options.kind}'"
            raise UserError("inputs", what, "name fewer channels in the architecture")
        if n_outputs % (height * width):
            what = f"images of {height}×{width} cannot become {n_outputs} pixels of a target"
            raise UserError("inputs", what, "give it inputs of the target's size")
        rows, columns = height // by, width // by
        encoder: list[nn.Module] = []
        for before, after in zip([channels, *options.channels], options.channels, strict=False):
            encoder += [nn.Conv2d(before, after, 3, stride=2, padding=1), activation(options.activation)]
        smallest = options.channels[-1] * rows * columns
        self.encoder = nn.Sequential(*encoder, nn.Flatten(), nn.Linear(smallest, options.latent))
        back = [*reversed(options.channels[:-1]), options.channels[0]]
        decoder: list[nn.Module] = [
            nn.Linear(options.latent, smallest),
            activation(options.activation),
            nn.Unflatten(1, (options.channels[-1], rows, columns)),
        ]
        before = options.channels[-1]
        for after in back:
            decoder += [
                nn.Upsample(scale_factor=2),
                nn.Conv2d(before, after, 3, padding=1),
                activation(options.activation),
            ]
            before = after
        last = nn.Conv2d(before, n_outputs // (height * width), 3, padding=1)
        self.decoder = nn.Sequential(*decoder, last, nn.Flatten())
        initialise(self, options.initialisation)

    def encode(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to the hidden representation (batch, hidden)."""
        return self.encoder(join_images(inputs, self.groups))

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to the target's pixels (batch, n_outputs)."""
        return self.decoder(self.encode(inputs))
