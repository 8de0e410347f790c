"""Aligned lists as one sequence of elements, and all else of a sample as one row: what networks over lists read."""

from typing import NamedTuple

import torch
from torch import Tensor

from bevatron.errors import UserError
from bevatron.models.layers.inputs import InputGroup, Inputs, dense_group, padded_group


class Sequence(NamedTuple):
    """A batch: elements (batch, n, n_features), zero where absent; n_valid (batch,) int64; dense (batch, n_dense)."""

    elements: Tensor
    n_valid: Tensor
    dense: Tensor

    @property
    def present(self) -> Tensor:
        """(batch, n) bool: which places hold an element."""
        return torch.arange(self.elements.shape[1], device=self.elements.device) < self.n_valid.unsqueeze(1)


class SequenceInput:
    """Joins the input groups to one sequence.

    Lists are aligned (element i of each belongs to the same track) and joined along their features. Dense groups are
    joined to `dense`, with the fraction of the places that are taken. Where no group is a list, the dense groups
    together are a list of one element, and nothing is left for `dense`: so the techniques for lists can be compared on
    the expert features alone, as in table I of Guest et al. (arXiv:1607.08633).

    Raises UserError where the lists are of different maximal length, and so cannot be aligned.
    """

    def __init__(self, inputs: dict[str, InputGroup]):
        self.ragged_groups = [name for name, group in inputs.items() if group.is_ragged]
        self.dense_groups = [name for name, group in inputs.items() if not group.is_ragged]
        lengths = {name: inputs[name].shape[0] for name in self.ragged_groups}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise UserError(
                "inputs",
                f"the lists {' and '.join(self.ragged_groups)} are not aligned: their longest are of {found} elements",
                "give the network lists that the recipe writes element by element",
            )
        n_dense_features = sum(inputs[name].size for name in self.dense_groups)
        self.n = lengths[self.ragged_groups[0]] if self.ragged_groups else 1
        n_ragged_features = sum(inputs[name].shape[1] for name in self.ragged_groups)
        self.n_features = n_ragged_features if self.ragged_groups else n_dense_features
        self.n_dense = n_dense_features + 1 if self.ragged_groups else 0

    def __call__(self, inputs: Inputs) -> Sequence:
        """Inputs {group: (batch, ...) or Padded} to one sequence and the dense features."""
        dense = [dense_group(inputs, name).flatten(1) for name in self.dense_groups]
        if not self.ragged_groups:
            elements = torch.cat(dense, 1).unsqueeze(1)
            one = torch.ones(len(elements), dtype=torch.int64, device=elements.device)
            return Sequence(elements, one, elements.new_empty(len(elements), 0))
        lists = [padded_group(inputs, name) for name in self.ragged_groups]
        values = [group.values for group in lists]
        elements = values[0] if len(values) == 1 else torch.cat(values, 2)
        n_valid = lists[0].n_valid
        fraction = n_valid.to(elements.dtype).unsqueeze(1) / self.n
        return Sequence(elements, n_valid, torch.cat([*dense, fraction], 1))


def last_step(states: Tensor, n_valid: Tensor) -> Tensor:
    """The state after the last element present: (batch, n, width) to (batch, width); zero for an empty list."""
    index = (n_valid.clamp(min=1) - 1).view(-1, 1, 1).expand(-1, 1, states.shape[2])
    return states.gather(1, index).squeeze(1) * (n_valid > 0).unsqueeze(1)


def pool(values: Tensor, present: Tensor, how: str) -> Tensor:
    """The 'sum' or 'mean' of the elements present: (batch, n, width) to (batch, width); zero for an empty list."""
    total = (values * present.unsqueeze(2)).sum(1)
    return total if how == "sum" else total / present.sum(1, keepdim=True).clamp(min=1)
