"""What networks over images share: their input, pooling, and the least size they can take."""

from copy import deepcopy
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from bevatron.errors import UserError
from bevatron.models.layers.inputs import InputGroup, Inputs, dense_group

Pooling = Literal["max", "average"]
Padding = Literal["same", "valid"]
Shape = tuple[int, int, int]
LARGEST = 1024  # side up to which a least size is looked for


class WithHeads(NamedTuple):
    """Outputs of a network in training, and those of auxiliary classifiers within it; (batch, n_outputs) each."""

    outputs: Tensor
    heads: tuple[Tensor, ...]

    def sum(self) -> Tensor:
        """The sum over all outputs, heads included: a scalar."""
        return sum((head.sum() for head in self.heads), self.outputs.sum())


def image_shape(inputs: dict[str, InputGroup], kind: str) -> Shape:
    """(channels, height, width) of the input groups together; UserError where they are no images of one size."""
    for name, group in inputs.items():
        if group.is_ragged or len(group.shape) != 3:
            what = f"group '{name}' of shape {group.shape} is no image, which the architecture '{kind}' reads"
            raise UserError("inputs", what, "give it groups of shape (channels, height, width)")
    sizes = {name: group.shape[1:] for name, group in inputs.items()}
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{name} {height}×{width}" for name, (height, width) in sizes.items())
        raise UserError("inputs", f"images of unequal size: {found}", "give one network images of one size")
    height, width = next(iter(sizes.values()))
    return sum(group.shape[0] for group in inputs.values()), height, width


def one_image(inputs: dict[str, InputGroup], kind: str) -> tuple[str, Shape]:
    """The name and the shape of the one input group; UserError where there are more, or it is no image."""
    if len(inputs) != 1:
        what = f"the architecture '{kind}' reads one group of images, found {', '.join(inputs)}"
        raise UserError("inputs", what, "name one of them")
    return next(iter(inputs)), image_shape(inputs, kind)


def join_images(inputs: Inputs, groups: list[str]) -> Tensor:
    """The groups' channels one after the other: (batch, channels, height, width)."""
    images = [dense_group(inputs, name) for name in groups]
    return images[0] if len(images) == 1 else torch.cat(images, 1)


def shape_after(layers: nn.Module, shape: Shape, kind: str) -> Shape:
    """The shape that `layers` make of an image of `shape`; UserError, with the least size, for one too small."""
    training = layers.training
    # One empty image takes less time than torch's first use of its meta device, unless the network is there already.
    device = next((weights.device.type for weights in layers.parameters()), "cpu")
    output_shape = _try_shape(layers.eval(), shape, device)
    layers.train(training)
    if output_shape is not None:
        return output_shape
    trial = deepcopy(layers).to("meta").eval()
    low, high = max(shape[1:]), LARGEST
    size = f"{high}×{high} at least"
    if _try_shape(trial, (shape[0], high, high), "meta") is None:
        low, size = high, f"more than {high}×{high}"
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _try_shape(trial, (shape[0], middle, middle), "meta") else (middle, high)
        size = f"{high}×{high} at least"
    what = f"images of {shape[1]}×{shape[2]} are too small for the architecture '{kind}'"
    raise UserError("inputs", f"{what}: it needs {size}", "give it larger ones, or a smaller network")


def _try_shape(layers: nn.Module, shape: Shape, device: str) -> Shape | None:
    try:
        with torch.no_grad():
            found = tuple(layers(torch.zeros(1, *shape, device=device)).shape[1:])
    except RuntimeError:  # a kernel larger than what is left of the image
        return None
    return found if min(found) > 0 else None


def pool(how: Pooling, size: int, stride: int, padding: int = 0, ceil: bool = False) -> nn.Module:
    """A pooling layer of `size` × `size` pixels; padded pixels do not count in a mean."""
    if how == "max":
        return nn.MaxPool2d(size, stride, padding, ceil_mode=ceil)
    return nn.AvgPool2d(size, stride, padding, ceil_mode=ceil, count_include_pad=False)


class MeanOver(nn.Module):
    """Means over n × n parts of an image of fixed size, as torch's adaptive pooling has them, but by two products of
    matrices, whose gradient is the same in every run on a GPU too.

    Shapes: (batch, channels, height, width) to (batch, channels, n, n).
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, n: int, height: int, width: int):
        super().__init__()
        self.register_buffer("rows", _parts(n, height), persistent=False)
        self.register_buffer("columns", _parts(n, width), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, channels, n, n)."""
        return self.rows.to(x.dtype) @ x @ self.columns.to(x.dtype).T


def _parts(n: int, length: int) -> Tensor:
    """(n, length): row i averages from floor(i length / n) to ceil((i + 1) length / n)."""
    matrix = torch.zeros(n, length)
    for i in range(n):
        first, last = i * length // n, -(-(i + 1) * length // n)
        matrix[i, first:last] = 1 / (last - first)
    return matrix


def scale_channels(channels: int, width: float) -> int:
    """A number of channels in a network `width` times as wide."""
    return max(1, round(channels * width))
