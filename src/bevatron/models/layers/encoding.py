"""What an architecture over lists has made of a batch before its last layers: where auxiliary tasks begin."""

from typing import NamedTuple, Protocol

from torch import Tensor

from bevatron.models.layers.inputs import Inputs
from bevatron.models.layers.lists_by_length import Sets


class Encoding(NamedTuple):
    """elements: of `sets`, in the form and the order of `sets.elements`, of `element_width` features; sample (batch,
    sample_width): what the last layers read, of samples in the order of the batch.
    """

    elements: Tensor
    sets: Sets
    sample: Tensor


class EncodesElements(Protocol):
    """An architecture that can learn auxiliary tasks: `forward` is `decode(encode(inputs))`."""

    element_width: int
    sample_width: int

    def encode(self, inputs: Inputs) -> Encoding:
        """Inputs {group: (batch, ...) or lists} to their elements and samples."""
        ...

    def decode(self, encoding: Encoding) -> Tensor:
        """The outputs (batch, n_outputs)."""
        ...
