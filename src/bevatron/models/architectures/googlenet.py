"""GoogLeNet: convolutions of several sizes side by side, and two auxiliary classifiers on the way."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import architecture
from bevatron.config.sections.section import Integer, Positive, Real
from bevatron.models.layers.activation import ActivationName, activation
from bevatron.models.layers.convolution import Convolution
from bevatron.models.layers.images import (
    MeanOver,
    Pooling,
    WithHeads,
    image_shape,
    join_images,
    pool,
    scale_channels,
    shape_after,
)
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs

# Of each block: 1×1; 1×1 and 3×3; 1×1 and the second 3×3; 1×1 behind the pool (Szegedy et al., table 1).
BLOCKS_3 = ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64))
BLOCK_4A = (192, 96, 208, 16, 48, 64)
BLOCKS_4BCD = ((160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64))
BLOCK_4E = (256, 160, 320, 32, 128, 128)
BLOCKS_5 = ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128))
HEAD_PARTS, HEAD_CHANNELS, HEAD_HIDDEN = 4, 128, 1024


class Inception(nn.Module):
    """Four ways side by side, their channels joined."""

    def __init__(self, before: int, channels: tuple[int, ...], width: float, name: ActivationName, pooling: Pooling):
        super().__init__()
        one, reduce3, three, reduce5, five, pooled = (scale_channels(c, width) for c in channels)
        self.ways = nn.ModuleList(
            [
                Convolution(before, one, 1, name=name),
                nn.Sequential(
                    Convolution(before, reduce3, 1, name=name), Convolution(reduce3, three, 3, padding=1, name=name)
                ),
                nn.Sequential(
                    Convolution(before, reduce5, 1, name=name), Convolution(reduce5, five, 3, padding=1, name=name)
                ),
                nn.Sequential(pool(pooling, 3, 1, 1), Convolution(before, pooled, 1, name=name)),
            ]
        )
        self.channels = one + three + five + pooled

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, channels', height, width)."""
        return torch.cat([way(x) for way in self.ways], 1)


@architecture("googlenet")
class GoogLeNet(nn.Module):
    """C. Szegedy et al., arXiv:1409.4842, with batch normalisation; 13,004,888 weights for three channels and 1000
    classes, of any size, heads included. As in the networks that are in use, the paper's 5 × 5 convolutions are 3 × 3.

    Shapes: inputs {group: (batch, channels, height, width)}, of one size; returns (batch, n_outputs), in training with
    the two heads' outputs beside it, which enter the loss with the weight 0.3.
    """

    class Options(kinds.Options):
        width: Positive = Field(default=1.0, description="factor on the numbers of channels")
        stem_stride: Integer = Field(
            default=2, ge=1, le=2, description="stride of the first convolution; 1 for small images"
        )
        heads: bool = Field(default=True, description="two auxiliary classifiers while it is trained")
        pooling: Pooling = Field(default="max", description="what a pool takes: the largest or the mean")
        activation: ActivationName = Field(default="relu", description="activation of all hidden layers")
        dropout: Real = Field(
            default=0.2, ge=0.0, lt=1.0, description="fraction dropped before the last layer; 0.7 in the heads"
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="how weights are drawn")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups = list(inputs)
        shape = image_shape(inputs, options.kind)
        name, pooling = options.activation, options.pooling
        first, second, third = (scale_channels(c, options.width) for c in (64, 64, 192))
        self.channels = third

        def blocks(*settings: tuple[int, ...]) -> nn.Sequential:
            modules = []
            for channels in settings:
                modules.append(Inception(self.channels, channels, options.width, name, pooling))
                self.channels = modules[-1].channels
            return nn.Sequential(*modules)

        self.stem = nn.Sequential(
            Convolution(shape[0], first, 7, options.stem_stride, 3, name=name),
            pool(pooling, 3, 2, ceil=True),
            Convolution(first, second, 1, name=name),
            Convolution(second, third, 3, padding=1, name=name),
            pool(pooling, 3, 2, ceil=True),
            blocks(*BLOCKS_3),
            pool(pooling, 3, 2, ceil=True),
            blocks(BLOCK_4A),
        )
        at_first = self.channels
        self.middle = blocks(*BLOCKS_4BCD)
        at_second = self.channels
        self.top = nn.Sequential(blocks(BLOCK_4E), pool(pooling, 2, 2, ceil=True), blocks(*BLOCKS_5))
        _, height, width = shape_after(self.stem, shape, options.kind)
        shape_after(nn.Sequential(self.stem, self.middle, self.top), shape, options.kind)
        self.dropout = nn.Dropout(options.dropout)
        self.classifier = nn.Linear(self.channels, n_outputs)
        self.heads = nn.ModuleList(
            [_head(channels, height, width, options, n_outputs) for channels in (at_first, at_second)]
            if options.heads
            else []
        )
        initialise(self, options.initialisation)

    def forward(self, inputs: Inputs) -> Tensor | WithHeads:
        """Images {group: (batch, channels, height, width)} to (batch, n_outputs), in training with the heads'."""
        low = self.stem(join_images(inputs, self.groups))
        middle = self.middle(low)
        outputs = self.classifier(self.dropout(self.top(middle).mean((2, 3))))
        if not self.training or len(self.heads) == 0:
            return outputs
        return WithHeads(outputs, (self.heads[0](low), self.heads[1](middle)))


def _head(channels: int, height: int, width: int, options: GoogLeNet.Options, n_outputs: int) -> nn.Sequential:
    between, hidden = scale_channels(HEAD_CHANNELS, options.width), scale_channels(HEAD_HIDDEN, options.width)
    return nn.Sequential(
        MeanOver(HEAD_PARTS, height, width),
        Convolution(channels, between, 1, name=options.activation),
        nn.Flatten(),
        nn.Linear(between * HEAD_PARTS**2, hidden),
        activation(options.activation),
        nn.Dropout(0.7),
        nn.Linear(hidden, n_outputs),
    )
