"""AlexNet: the network that made convolutions the rule."""

from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import architecture
from bevatron.config.sections.section import Integer, Positive, Real
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.images import MeanOver, Pooling, image_shape, join_images, pool, scale_channels, shape_after
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs

# channels, kernel, stride, padding, whether a pool follows
LAYERS = (
    (64, 11, 4, 2, True),
    (192, 5, 1, 2, True),
    (384, 3, 1, 1, False),
    (256, 3, 1, 1, False),
    (256, 3, 1, 1, True),
)
PARTS, HIDDEN = 6, 4096


@architecture("alexnet")
class AlexNet(nn.Module):
    """A. Krizhevsky, I. Sutskever and G. E. Hinton (2012), in the one-tower form of arXiv:1404.5997; 61,100,840 weights
    for three channels and 1000 classes, of any size. Without local response normalisation, as usual today.

    Shapes: inputs {group: (batch, channels, height, width)}, of one size; returns (batch, n_outputs).
    """

    class Options(kinds.Options):
        width: Positive = Field(default=1.0, description="factor on the numbers of channels and units")
        stride: Integer = Field(
            default=4, ge=1, le=4, description="stride of the first convolution; smaller for small images"
        )
        pooling: Pooling = Field(default="max", description="what a 3 × 3 pool takes: the largest or the mean")
        activation: ActivationName = Field(default="relu", description="activation of all hidden layers")
        dropout: Real = Field(
            default=0.5, ge=0.0, lt=1.0, description="fraction dropped before the fully connected layers"
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="how weights are drawn")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = list(inputs)
        shape = image_shape(inputs, options.kind)
        layers: list[nn.Module] = []
        before = shape[0]
        for number, (channels, kernel, stride, padding, pooled) in enumerate(LAYERS):
            after = scale_channels(channels, options.width)
            stride = options.stride if number == 0 else stride
            layers += [nn.Conv2d(before, after, kernel, stride, padding), activation(options.activation)]
            if pooled:
                layers.append(pool(options.pooling, 3, 2))
            before = after
        self.features = nn.Sequential(*layers)
        channels, height, width = shape_after(self.features, shape, options.kind)
        self.mean = MeanOver(PARTS, height, width)
        hidden = scale_channels(HIDDEN, options.width)
        self.classifier = nn.Sequential(
            nn.Dropout(options.dropout),
            nn.Linear(channels * PARTS**2, hidden),
            activation(options.activation),
            nn.Dropout(options.dropout),
            nn.Linear(hidden, hidden),
            activation(options.activation),
            nn.Linear(hidden, n_outputs),
        )
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Images {group: (batch, channels, height, width)} to outputs (batch, n_outputs)."""
        return self.classifier(self.mean(self.features(join_images(inputs, self.groups))).flatten(1))
