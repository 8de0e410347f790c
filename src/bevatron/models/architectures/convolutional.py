"""Plain convolutional networks: layers of convolution and pooling, then fully connected ones."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from torch import Tensor, nn

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import architecture
from bevatron.config.sections.section import MOST, Count, Real, WithLaterKeys
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.images import Padding, Pooling, image_shape, join_images, pool, shape_after
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs

Layer = Annotated[int, Field(ge=1, le=MOST, strict=True)]


class ConvolutionalOptions(kinds.Options, WithLaterKeys):
    """Layers of convolution, each with its activation; pooling behind some; fully connected layers."""

    LATER: ClassVar[tuple[str, ...]] = ("pool_size",)

    channels: list[Count] = Field(default=[16, 32], description="channels of each convolution", min_length=1)
    kernel: Count = Field(default=3, description="side of the kernels")
    padding: Padding = Field(default="same", description="'same' keeps the size; 'valid' loses kernel - 1 pixels")
    pool_after: list[Layer] = Field(
        default=[1, 2], description="convolutions behind which squares of pixels are pooled, from 1"
    )
    pool_size: Count = Field(default=2, description="side of the squares that are pooled")
    pooling: Pooling = Field(default="max", description="what a pool takes: the largest or the mean")
    widths: list[Count] = Field(default=[64], description="units of the hidden fully connected layers")
    activation: ActivationName = Field(default="relu", description="activation of all hidden layers")
    dropout: Real = Field(default=0.0, ge=0.0, lt=1.0, description="fraction dropped before each fully connected layer")
    initialisation: Initialisation = Field(default_factory=Initialisation, description="how weights are drawn")

    @model_validator(mode="after")
    def _pools_follow_convolutions(self) -> "ConvolutionalOptions":
        if wrong := [layer for layer in self.pool_after if layer > len(self.channels)]:
            raise ValueError(f"pool_after: there is no convolution {wrong[0]}; allowed: 1 to {len(self.channels)}")
        if self.padding == "same" and self.kernel % 2 == 0:
            raise ValueError(f"kernel: must be odd with padding 'same', found {self.kernel}")
        return self


@architecture("convolutional")
class Convolutional(nn.Module):
    """Shapes: inputs {group: (batch, channels, height, width)}, of one size; returns (batch, n_outputs)."""

    class Options(ConvolutionalOptions):
        pass

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = list(inputs)
        shape = image_shape(inputs, options.kind)
        layers: list[nn.Module] = []
        before = shape[0]
        for number, after in enumerate(options.channels, 1):
            padding = options.kernel // 2 if options.padding == "same" else 0
            layers += [nn.Conv2d(before, after, options.kernel, padding=padding), activation(options.activation)]
            if number in options.pool_after:
                layers.append(pool(options.pooling, options.pool_size, options.pool_size))
            before = after
        self.features = nn.Sequential(*layers)
        channels, height, width = shape_after(self.features, shape, options.kind)
        dense: list[nn.Module] = []
        before = channels * height * width
        for after in options.widths:
            dense += [nn.Dropout(options.dropout)] if options.dropout else []
            dense += [nn.Linear(before, after), activation(options.activation)]
            before = after
        self.classifier = nn.Sequential(*dense, nn.Linear(before, n_outputs))
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Images {group: (batch, channels, height, width)} to outputs (batch, n_outputs)."""
        return self.classifier(self.features(join_images(inputs, self.groups)).flatten(1))
