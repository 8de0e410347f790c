"""ResNet: layers that learn what to add to their input."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import architecture
from bevatron.config.sections.section import Positive, Real
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.convolution import Convolution
from bevatron.models.layers.images import image_shape, join_images, scale_channels, shape_after
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs

EPSILON = 1e-5
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
CHANNELS = (64, 128, 256, 512)


class Residual(nn.Module):
    """Two 3 × 3 convolutions, or a bottleneck of 1 × 1, 3 × 3 and 1 × 1, added to the input."""

    def __init__(self, before: int, channels: int, stride: int, bottleneck: bool, name: ActivationName):
        super().__init__()
        after = 4 * channels if bottleneck else channels

        def brick(a: int, b: int, kernel: int, step: int = 1, last: bool = False) -> Convolution:
            return Convolution(a, b, kernel, step, kernel // 2, "identity" if last else name, EPSILON)

        if bottleneck:  # the stride is the 3 × 3 convolution's, as in the networks in use
            ways = [
                brick(before, channels, 1),
                brick(channels, channels, 3, stride),
                brick(channels, after, 1, last=True),
            ]
        else:
            ways = [brick(before, channels, 3, stride), brick(channels, after, 3, last=True)]
        self.way = nn.Sequential(*ways)
        changes = stride > 1 or before != after
        self.shortcut = brick(before, after, 1, stride, last=True) if changes else nn.Identity()
        self.activation = activation(name)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, channels', ⌈height / stride⌉, ⌈width / stride⌉)."""
        return self.activation(self.way(x) + self.shortcut(x))


@architecture("resnet")
class ResNet(nn.Module):
    """K. He, X. Zhang, S. Ren and J. Sun, arXiv:1512.03385; for three channels and 1000 classes, of any size,
    11,689,512 weights (depth 18), 21,797,672 (34) and 25,557,032 (50).

    Shapes: inputs {group: (batch, channels, height, width)}, of one size; returns (batch, n_outputs).
    """

    class Options(kinds.Options):
        depth: Literal[18, 34, 50] = Field(default=18, description="number of layers; 50 has bottlenecks")
        width: Positive = Field(default=1.0, description="factor on the numbers of channels")
        stem: Literal["large", "small"] = Field(
            default="large",
            description="'large': 7 × 7 and a pool; 'small': 3 × 3, for small images",
        )
        activation: ActivationName = Field(default="relu", description="activation of all hidden layers")
        dropout: Real = Field(default=0.0, ge=0.0, lt=1.0, description="fraction dropped before the last layer")
        initialisation: Initialisation = Field(default_factory=Initialisation, description="how weights are drawn")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = list(inputs)
        shape = image_shape(inputs, options.kind)
        name, bottleneck = options.activation, options.depth == 50
        before = scale_channels(CHANNELS[0], options.width)
        if options.stem == "large":
            layers: list[nn.Module] = [Convolution(shape[0], before, 7, 2, 3, name, EPSILON), nn.MaxPool2d(3, 2, 1)]
        else:
            layers = [Convolution(shape[0], before, 3, 1, 1, name, EPSILON)]
        for stage, (blocks, channels) in enumerate(zip(BLOCKS[options.depth], CHANNELS, strict=True)):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(Residual(before, scale_channels(channels, options.width), stride, bottleneck, name))
                before = scale_channels(channels, options.width) * (4 if bottleneck else 1)
        self.features = nn.Sequential(*layers)
        shape_after(self.features, shape, options.kind)
        self.dropout = nn.Dropout(options.dropout) if options.dropout else nn.Identity()
        self.classifier = nn.Linear(before, n_outputs)
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Images {group: (batch, channels, height, width)} to outputs (batch, n_outputs)."""
        return self.classifier(self.dropout(self.features(join_images(inputs, self.groups)).mean((2, 3))))
