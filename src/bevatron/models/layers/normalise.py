"""The first layer of every network: features brought to order one by the training split's statistics."""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bevatron.models.layers.asinh import asinh
from bevatron.models.layers.inputs import InputGroup, Inputs, Padded
from bevatron.store.readers.batch import RaggedBatch

Kind = Literal["none", "standard", "robust", "rms"]


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
        if self.kind == "none":
            return inputs
        return {name: self._normalise_group(name, inputs[name]) for name in self.groups}

    def _normalise_group(self, name: str, group: Tensor | RaggedBatch | Padded) -> Tensor | RaggedBatch | Padded:
        centre, scale = getattr(self, f"{name}_centre"), getattr(self, f"{name}_scale")
        values = group if isinstance(group, Tensor) else group.values
        if name in self.images:
            centre, scale = centre[:, None, None], scale[:, None, None]
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


def _centre_and_scale(kind: Kind, feature: Any) -> tuple[float, float]:
    if kind == "rms":
        return 0.0, math.hypot(feature.mean, feature.std) or 1.0
    if kind == "standard":
        return feature.mean, feature.std if feature.std > 0.0 else 1.0
    width = (feature.q84 - feature.q16) / 2
    return feature.median, width if width > 0.0 else feature.std if feature.std > 0.0 else 1.0
