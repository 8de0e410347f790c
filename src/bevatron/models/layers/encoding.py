"""The encoded batch of an architecture over lists, before its last layers, which the heads of auxiliary tasks read."""

from typing import NamedTuple, Protocol

from torch import Tensor

from bevatron.models.layers.inputs import Inputs
from bevatron.models.layers.lists_by_length import Sets


class Encoding(NamedTuple):
    """elements: the encoded elements, with `element_width` features, in the form and order of `sets.elements`; sample
    (batch, sample_width): the encoded samples, in the order of the batch, which the last layers read.
    """

    elements: Tensor
    sets: Sets
    sample: Tensor


class EncodesElements(Protocol):
    """An architecture that can learn auxiliary tasks: `forward` is `decode(encode(inputs))`."""

    element_width: int
    sample_width: int

    def encode(self, inputs: Inputs) -> Encoding:
        """Inputs {group: (batch, ...) or lists} to encoded elements and samples."""
        ...

    def decode(self, encoding: Encoding) -> Tensor:
        """The outputs (batch, n_outputs)."""
        ...
