"""What a network is told about its inputs, and the form in which they reach it."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from bevatron.store.readers.batch import RaggedBatch


class Padded(NamedTuple):
    """Lists of different length made one array: values (batch, n_max, n_features), n_valid (batch,) int64.

    Elements beyond n_valid are zero, before and after normalisation. ONNX models read lists in this form.
    """

    values: Tensor
    n_valid: Tensor


@dataclass(frozen=True)
class InputGroup:
    """One input group: the shape of a sample without its batch axis, the names of the last axis' features.

    A list of up to n elements has the shape (n, n_features) and `is_ragged` set; images have (channels, height, width).
    """

    shape: tuple[int, ...]
    features: tuple[str, ...]
    is_ragged: bool = False

    @property
    def size(self) -> int:
        """Numbers in a sample of the group; of a list those of the longest one."""
        size = 1
        for length in self.shape:
            size *= length
        return size


Lists = RaggedBatch | Padded
"""A batch of lists: the elements that exist, one list after another, or padded to one length, which ONNX needs."""

Inputs = dict[str, Tensor | RaggedBatch | Padded]
"""Group name to dense tensor (batch, ...) or lists."""


def dense_group(inputs: Inputs, name: str) -> Tensor:
    """The group as a tensor (batch, ...); raises TypeError for one of lists."""
    group = inputs[name]
    if isinstance(group, RaggedBatch | Padded):
        raise TypeError(f"the input group '{name}' has lists, expected one dense tensor")
    return group


def list_group(inputs: Inputs, name: str) -> Lists:
    """The group as lists; raises TypeError for a dense one."""
    group = inputs[name]
    if not isinstance(group, RaggedBatch | Padded):
        raise TypeError(f"the input group '{name}' is one dense tensor, expected lists")
    return group
