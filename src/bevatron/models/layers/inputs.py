"""What a network is told about its inputs, and the form in which they reach it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bevatron.store.readers.batch import RaggedBatch, SparseBatch


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
"""Group name to dense tensor (batch, ...), or lists. Architectures with `SPARSE` get a `SparseBatch` instead, which
`sparse_group` takes from it, and nothing else reads.
"""


def dense_group(inputs: Inputs, name: str) -> Tensor:
    """The group as a tensor (batch, ...); raises TypeError for one of lists."""
    group = inputs[name]
    if not isinstance(group, Tensor):
        raise TypeError(f"the input group '{name}' has lists or sparse images, expected one dense tensor")
    return group


def sparse_group(inputs: Inputs, name: str) -> SparseBatch:
    """The group as sparse images, of dense ones (batch, channels, height, width) the pixels that are not zero; raises
    TypeError for lists.
    """
    group: Any = inputs[name]
    if isinstance(group, SparseBatch):
        return group
    if not isinstance(group, Tensor) or group.ndim != 4:
        raise TypeError(f"the input group '{name}' has lists or no images, expected sparse images")
    flat = group.flatten(1)
    sample, index = flat.nonzero(as_tuple=True)
    offsets = torch.cat([sample.new_zeros(1), torch.bincount(sample, minlength=len(flat)).cumsum(0)])
    channels, height, width = group.shape[1:]
    return SparseBatch(index.int(), flat[sample, index], offsets, (channels, height, width))


def list_group(inputs: Inputs, name: str) -> Lists:
    """The group as lists; raises TypeError for a dense one."""
    group = inputs[name]
    if not isinstance(group, RaggedBatch | Padded):
        raise TypeError(f"the input group '{name}' has no lists")
    return group
