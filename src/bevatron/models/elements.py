"""Aligned lists as one sequence of elements, and all else of a sample as one row: what networks over lists read."""

from typing import NamedTuple

import torch
from torch import Tensor

from bevatron.errors import UserError
from bevatron.models.inputs import InputGroup, Inputs


class Arranged(NamedTuple):
    """A batch: elements (batch, n, n_features), zero where absent; n_valid (batch,) int64; rest (batch, n_rest)."""

    elements: Tensor
    n_valid: Tensor
    rest: Tensor

    @property
    def present(self) -> Tensor:
        """(batch, n) bool: which places hold an element."""
        return torch.arange(self.elements.shape[1], device=self.elements.device) < self.n_valid.unsqueeze(1)


class Arrangement:
    """How the input groups are arranged.

    Lists are aligned (element i of each belongs to the same track) and joined along their features. Dense groups are
    joined to the rest, with the share of the places that are taken. Where no group is a list, the dense groups together
    are a list of one element, and nothing is left for the rest: so the techniques for lists can be compared on the
    expert features alone, as in table I of Guest et al. (arXiv:1607.08633).

    Raises UserError where the lists are of different maximal length, and so cannot be aligned.
    """

    def __init__(self, inputs: dict[str, InputGroup]):
        self.lists = [name for name, group in inputs.items() if group.listed]
        self.dense = [name for name, group in inputs.items() if not group.listed]
        lengths = {name: inputs[name].shape[0] for name in self.lists}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise UserError(
                "inputs",
                f"the lists {' and '.join(self.lists)} are not aligned: their longest are of {found} elements",
                "give the network lists that the recipe writes element by element",
            )
        n_dense = sum(inputs[name].size for name in self.dense)
        self.n = lengths[self.lists[0]] if self.lists else 1
        self.n_features = sum(inputs[name].shape[1] for name in self.lists) if self.lists else n_dense
        self.n_rest = n_dense + 1 if self.lists else 0

    def __call__(self, inputs: Inputs) -> Arranged:
        dense = [inputs[name].flatten(1) for name in self.dense]
        if not self.lists:
            elements = torch.cat(dense, 1).unsqueeze(1)
            one = torch.ones(len(elements), dtype=torch.int64, device=elements.device)
            return Arranged(elements, one, elements.new_empty(len(elements), 0))
        values = [inputs[name].values for name in self.lists]
        elements = values[0] if len(values) == 1 else torch.cat(values, 2)
        n_valid = inputs[self.lists[0]].n_valid
        share = n_valid.to(elements.dtype).unsqueeze(1) / self.n
        return Arranged(elements, n_valid, torch.cat([*dense, share], 1))


def last_valid(states: Tensor, n_valid: Tensor) -> Tensor:
    """The state after the last element present: (batch, n, width) to (batch, width); zero for an empty list."""
    place = (n_valid.clamp(min=1) - 1).view(-1, 1, 1).expand(-1, 1, states.shape[2])
    return states.gather(1, place).squeeze(1) * (n_valid > 0).unsqueeze(1)


def pooled(values: Tensor, present: Tensor, how: str) -> Tensor:
    """The 'sum' or 'mean' of the elements present: (batch, n, width) to (batch, width); zero for an empty list."""
    total = (values * present.unsqueeze(2)).sum(1)
    return total if how == "sum" else total / present.sum(1, keepdim=True).clamp(min=1)
