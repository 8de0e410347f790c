"""What a network is told about its inputs, and the form in which they reach it."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


class Padded(NamedTuple):
    """Lists of different length made one array: values (batch, n_max, n_features), n_valid (batch,) int64.

    Elements beyond n_valid are zero, before and after normalisation.
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


Inputs = dict[str, Tensor | Padded]
"""Group name to dense tensor (batch, ...) or padded lists."""


def dense_group(inputs: Inputs, name: str) -> Tensor:
    """The group as a tensor (batch, ...); raises TypeError for one of lists."""
    group = inputs[name]
    if isinstance(group, Padded):
        raise TypeError(f"the input group '{name}' has padded lists, expected one dense tensor")
    return group


def padded_group(inputs: Inputs, name: str) -> Padded:
    """The group as padded lists; raises TypeError for a dense one."""
    group = inputs[name]
    if not isinstance(group, Padded):
        raise TypeError(f"the input group '{name}' is one dense tensor, expected padded lists")
    return group
