"""LeNet: two convolutions with pooling, and fully connected layers."""

from pydantic import Field

from bevatron.config.loading.kinds import architecture
from bevatron.config.sections.section import Count
from bevatron.models.architectures.convolutional import Convolutional, ConvolutionalOptions
from bevatron.models.layers.images import Padding


@architecture("lenet")
class LeNet(Convolutional):
    """Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Proc. IEEE 86 (1998) 2278, with today's activations and pooling.

    Shapes: inputs {group: (batch, channels, height, width)}, of one size; returns (batch, n_outputs).
    """

    class Options(ConvolutionalOptions):
        channels: list[Count] = Field(default=[6, 16], description="channels of each convolution", min_length=1)
        kernel: Count = Field(default=5, description="side of the kernels")
        padding: Padding = Field(default="valid", description="'same' keeps the size; 'valid' loses kernel - 1 pixels")
        widths: list[Count] = Field(default=[120, 84], description="units of the hidden fully connected layers")
