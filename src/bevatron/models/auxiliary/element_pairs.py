"""The n (n - 1) / 2 pairs of the n elements of a list, in the order that all outputs for pairs have."""

from typing import NamedTuple

import torch
from torch import Tensor


class ElementPairs(NamedTuple):
    """The pairs i < j of the elements of each list.

    first and second (n_pairs,) int64: the rows of the two elements among all elements of the batch; sample (n_pairs,)
    int64: the number of the list. Pairs are sorted by list, then by i, then by j.
    """

    first: Tensor
    second: Tensor
    sample: Tensor


def pairs_of(lengths: Tensor) -> ElementPairs:
    """The pairs of lists with these lengths, (batch,) int64. The elements of all lists are rows, list by list."""
    n_elements = int(lengths.sum())
    starts = lengths.cumsum(0) - lengths
    samples = torch.arange(len(lengths), device=lengths.device)
    sample = torch.repeat_interleave(samples, lengths, output_size=n_elements)
    element = torch.arange(n_elements, device=lengths.device)
    n_later = (starts + lengths)[sample] - element - 1  # elements behind each in its list
    n_pairs = int(n_later.sum())
    first = torch.repeat_interleave(element, n_later, output_size=n_pairs)
    before = torch.repeat_interleave(n_later.cumsum(0) - n_later, n_later, output_size=n_pairs)
    second = first + 1 + torch.arange(n_pairs, device=lengths.device) - before
    return ElementPairs(first, second, sample[first])
