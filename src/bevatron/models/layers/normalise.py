"""The first layer of every network: features brought to order one by the training split's statistics."""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bevatron.models.layers.asinh import asinh
from bevatron.models.layers.inputs import InputGroup, Inputs, Padded
from bevatron.store.readers.batch import RaggedBatch, SparseBatch

Kind = Literal["none", "standard", "robust", "rms"]
ROWS_AT_ONCE = 1_000  # small enough that a row's second operation finds it in the processor's cache


class Normalise(nn.Module):
    """x → (x − centre) / scale for each feature; 'robust' goes on to asinh of that, linear near 0, logarithmic far out.

    'standard': centre and scale are mean and standard deviation; 'robust': median and half the distance between the
    16 % and 84 % quantiles. 'rms' only divides, by the root mean square, so that the empty pixels of sparse images
    stay zero (statistics of sparse images are those of the pixels that are stored). The features of images are their
    channels. A feature that never varies keeps the scale 1. Centre and scale are buffers, so that they are saved with
    the weights and a network is whole without its dataset.

    statistics: {group: {feature: object with mean, std, median, q16, q84}}.
    """

    def __init__(self, kind: Kind, inputs: dict[str, InputGroup], statistics: dict[str, dict[str, Any]] | None = None):
        super().__init__()
        self.kind = kind
        self.inputs_are_normalised = False  # set by a fit that normalises its samples in memory
        self.groups = list(inputs)
        self.images = [name for name, group in inputs.items() if not group.is_ragged and len(group.shape) == 3]
        if kind == "none":
            return
        for name, group in inputs.items():
            centre, scale = torch.zeros(len(group.features)), torch.ones(len(group.features))
            if statistics:
                for i, feature in enumerate(group.features):
                    centre[i], scale[i] = _centre_and_scale(kind, statistics[name][feature])
            self.register_buffer(f"{name}_centre", centre)
            self.register_buffer(f"{name}_scale", scale)

    def forward(self, inputs: Inputs) -> Inputs:
        """The groups in the order of the network, each feature normalised; padding stays zero."""
        if self.kind == "none" or self.inputs_are_normalised:
            return inputs
        return {name: self._normalise_group(name, inputs[name]) for name in self.groups}

    def _normalise_group(self, name: str, group: Any) -> Any:
        if isinstance(group, SparseBatch):
            return self._normalise_pixels(name, group)
        values = group if isinstance(group, Tensor) else group.values
        centre, scale = self._broadcastable(name)
        values = (values - centre) / scale
        if self.kind == "robust":
            values = asinh(values)
        match group:
            case RaggedBatch(_, lengths):
                return RaggedBatch(values, lengths)
            case Padded(_, n_valid):
                present = torch.arange(values.shape[1], device=values.device) < n_valid.unsqueeze(1)
                return Padded(values * present.unsqueeze(2), n_valid)
        return values

    def _normalise_pixels(self, name: str, images: SparseBatch) -> SparseBatch:
        """The pixels that are stored, each by its channel; what is not stored stays so."""
        channel = torch.div(images.index, images.shape[1] * images.shape[2], rounding_mode="floor").long()
        centre, scale = getattr(self, f"{name}_centre"), getattr(self, f"{name}_scale")
        value = (images.value - centre[channel]) / scale[channel]
        return images._replace(value=asinh(value) if self.kind == "robust" else value)

    def undo(self, name: str, column: int, values: Tensor) -> Tensor:
        """One feature of a group as it was before normalisation, of any shape, to rounding."""
        if self.kind == "none":
            return values
        centre, scale = getattr(self, f"{name}_centre")[column], getattr(self, f"{name}_scale")[column]
        return (torch.sinh(values) if self.kind == "robust" else values) * scale + centre

    @property
    def same_bits_in_place(self) -> bool:
        """Whether a group normalised as a whole has the bits of its batches normalised one by one.

        Differences and quotients are rounded alike everywhere (IEEE 754); the last bit of asinh depends on whether a
        number is computed alone or in a vector, so on its place in the batch.
        """
        return self.kind in ("standard", "rms")

    @torch.no_grad()
    def normalise_in_place(self, name: str, values: Tensor) -> None:
        """What `forward` makes of a group's values, in their own memory and to the same bits, on any device.

        Shapes: values (rows, ...), of lists (total, n_features), float32. Raises ValueError for a kind that does not
        keep the bits.
        """
        if not self.same_bits_in_place:
            raise ValueError(f"'{self.kind}' does not give the same bits in place")
        centre, scale = (numbers.to(values.device) for numbers in self._broadcastable(name))
        for part in values.split(ROWS_AT_ONCE):
            part.sub_(centre).div_(scale)

    def _broadcastable(self, name: str) -> tuple[Tensor, Tensor]:
        """Centre and scale of a group's features, in a shape that fits a batch."""
        centre, scale = getattr(self, f"{name}_centre"), getattr(self, f"{name}_scale")
        return (centre[:, None, None], scale[:, None, None]) if name in self.images else (centre, scale)


def _centre_and_scale(kind: Kind, feature: Any) -> tuple[float, float]:
    if kind == "rms":
        return 0.0, math.hypot(feature.mean, feature.std) or 1.0
    if kind == "standard":
        return feature.mean, feature.std if feature.std > 0.0 else 1.0
    width = (feature.q84 - feature.q16) / 2
    return feature.median, width if width > 0.0 else feature.std if feature.std > 0.0 else 1.0
