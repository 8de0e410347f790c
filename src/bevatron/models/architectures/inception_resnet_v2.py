"""Inception-ResNet-v2: inception blocks whose sum with their input is learned."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import architecture
from bevatron.config.sections.section import Count, Positive, Real
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.convolution import Convolution
from bevatron.models.layers.images import image_shape, join_images, scale_channels, shape_after
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs


class Branches(nn.Module):
    """Layers side by side, their channels joined."""

    def __init__(self, *ways: nn.Module):
        super().__init__()
        self.ways = nn.ModuleList(ways)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, sum of the branches' channels, height', width')."""
        return torch.cat([way(x) for way in self.ways], 1)


class ScaledResidual(nn.Module):
    """x + scale × (1 × 1 convolution of the ways), which keeps deep networks of this kind from dying (sec. 3.3)."""

    def __init__(self, ways: Branches, joined_channels: int, channels: int, scale: float, name: ActivationName):
        super().__init__()
        self.ways, self.scale = ways, scale
        self.up = nn.Conv2d(joined_channels, channels, 1)
        self.activation = activation(name)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to the same shape."""
        return self.activation(x + self.scale * self.up(self.ways(x)))


@architecture("inception_resnet_v2")
class InceptionResNetV2(nn.Module):
    """C. Szegedy, S. Ioffe, V. Vanhoucke and A. Alemi, arXiv:1602.07261, in the form that its authors published as
    code; 55,843,464 weights for three channels and 1000 classes, of any size. The auxiliary classifier is left out.

    Shapes: inputs {group: (batch, channels, height, width)}, of one size; returns (batch, n_outputs).
    """

    class Options(kinds.Options):
        width: Positive = Field(default=1.0, description="factor on the numbers of channels")
        blocks: tuple[Count, Count, Count] = Field(
            default=(10, 20, 10), description="residual blocks at the three resolutions"
        )
        activation: ActivationName = Field(default="relu", description="activation of all hidden layers")
        dropout: Real = Field(default=0.2, ge=0.0, lt=1.0, description="fraction dropped before the last layer")
        initialisation: Initialisation = Field(default_factory=Initialisation, description="how weights are drawn")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = list(inputs)
        shape = image_shape(inputs, options.kind)
        name = options.activation

        def n(channels: int) -> int:
            return scale_channels(channels, options.width)

        def brick(a: int, b: int, kernel: int | tuple[int, int], stride: int = 1, same: bool = True) -> Convolution:
            sides = kernel if isinstance(kernel, tuple) else (kernel, kernel)
            padding = (sides[0] // 2, sides[1] // 2) if same else 0
            return Convolution(a, b, kernel, stride, padding, name)

        def chain(before: int, *layers: tuple) -> nn.Sequential:
            modules = []
            for after, kernel, *others in layers:
                modules.append(brick(before, n(after), kernel, *others))
                before = n(after)
            return nn.Sequential(*modules)

        def total(*channels: int) -> int:
            return sum(n(c) for c in channels)

        down = (2, False)  # stride 2, no padding
        stem = [
            *chain(shape[0], (32, 3, *down), (32, 3, 1, False), (64, 3)),
            nn.MaxPool2d(3, 2),
            *chain(n(64), (80, 1), (192, 3, 1, False)),
            nn.MaxPool2d(3, 2),
            Branches(
                chain(n(192), (96, 1)),
                chain(n(192), (48, 1), (64, 5)),
                chain(n(192), (64, 1), (96, 3), (96, 3)),
                nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), *chain(n(192), (64, 1))),
            ),
        ]
        a = total(96, 64, 96, 64)
        first = [
            ScaledResidual(
                Branches(chain(a, (32, 1)), chain(a, (32, 1), (32, 3)), chain(a, (32, 1), (48, 3), (64, 3))),
                total(32, 32, 64), a, 0.17, name,
            )
            for _ in range(options.blocks[0])
        ]  # fmt: skip
        to_second = Branches(
            chain(a, (384, 3, *down)), chain(a, (256, 1), (256, 3), (384, 3, *down)), nn.MaxPool2d(3, 2)
        )
        b = total(384, 384) + a
        second = [
            ScaledResidual(
                Branches(chain(b, (192, 1)), chain(b, (128, 1), (160, (1, 7)), (192, (7, 1)))),
                total(192, 192), b, 0.10, name,
            )
            for _ in range(options.blocks[1])
        ]  # fmt: skip
        to_third = Branches(
            chain(b, (256, 1), (384, 3, *down)),
            chain(b, (256, 1), (288, 3, *down)),
            chain(b, (256, 1), (288, 3), (320, 3, *down)),
            nn.MaxPool2d(3, 2),
        )
        c = total(384, 288, 320) + b
        last = options.blocks[2] - 1
        third = [
            ScaledResidual(
                Branches(chain(c, (192, 1)), chain(c, (192, 1), (224, (1, 3)), (256, (3, 1)))),
                total(192, 256), c, 1.0 if k == last else 0.20, "identity" if k == last else name,
            )
            for k in range(options.blocks[2])
        ]  # fmt: skip
        top = chain(c, (1536, 1))
        self.features = nn.Sequential(*stem, *first, to_second, *second, to_third, *third, *top)
        shape_after(self.features, shape, options.kind)
        self.dropout = nn.Dropout(options.dropout)
        self.classifier = nn.Linear(n(1536), n_outputs)
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor:
        """Images {group: (batch, channels, height, width)} to outputs (batch, n_outputs)."""
        return self.classifier(self.dropout(self.features(join_images(inputs, self.groups)).mean((2, 3))))
