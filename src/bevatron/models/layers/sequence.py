"""Aligned lists as one sequence of elements, and all else of a sample as one row: what networks over lists read."""

from typing import NamedTuple

import torch
from torch import Tensor

from bevatron.errors import UserError
from bevatron.models.layers.inputs import InputGroup, Inputs, Lists, Padded, dense_group, list_group
from bevatron.store.readers.batch import RaggedBatch


class Sequence(NamedTuple):
    """A batch: its lists, all groups joined along their features, and the dense groups (batch, n_dense)."""

    lists: Lists
    dense: Tensor


class SequenceInput:
    """Joins the input groups to one sequence.

    Lists are aligned (element i of each belongs to the same track) and joined along their features. Dense groups are
    joined to `dense`, `n_dense_features` of them, and last the fraction of the places that are taken. Where no group is
    a list, the dense groups together are a list of one element, and nothing is left for `dense`: so the techniques for
    lists can be compared on the expert features alone, as in table I of Guest et al. (arXiv:1607.08633).

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
        self.n_dense_features = n_dense_features if self.ragged_groups else 0
        self.n_dense = n_dense_features + 1 if self.ragged_groups else 0

    def __call__(self, inputs: Inputs) -> Sequence:
        """Inputs {group: (batch, ...) or lists} to one sequence and the dense features.

        Lists stay in the form in which they come. Dense groups as lists of one element have no padding to leave out.
        """
        dense = [dense_group(inputs, name).flatten(1) for name in self.dense_groups]
        if not self.ragged_groups:
            elements = torch.cat(dense, 1).unsqueeze(1)
            one = torch.ones(elements.shape[0], dtype=torch.int64, device=elements.device)
            return Sequence(Padded(elements, one), elements.new_empty(elements.shape[0], 0))
        lists = join_lists([list_group(inputs, name) for name in self.ragged_groups])
        fraction = lists[1].to(lists[0].dtype).unsqueeze(1) / self.n
        return Sequence(lists, torch.cat([*dense, fraction], 1))


def join_lists(groups: list[Lists]) -> Lists:
    """Aligned lists joined along their features, in the form in which they come; their lengths are the first's.

    Raises UserError where one group has more elements in all than another.
    """
    values = [group.values for group in groups]
    first = groups[0]
    if isinstance(first, Padded):
        return Padded(_join(values), first.n_valid)
    if len({len(elements) for elements in values}) > 1:
        found = " and ".join(str(len(elements)) for elements in values)
        raise UserError("inputs", f"the lists of a batch are not aligned: they have {found} elements", "see the recipe")
    return RaggedBatch(_join(values), first.lengths)


def join_dense(lists: Lists, dense: Tensor) -> Lists:
    """The lists with `dense` (batch, n_dense) behind the features of each of their elements."""
    if dense.shape[1] == 0:
        return lists
    if isinstance(lists, Padded):
        return Padded(_join([lists.values, dense.unsqueeze(1).expand(-1, lists.values.shape[1], -1)]), lists.n_valid)
    of_elements = torch.repeat_interleave(dense, lists.lengths, 0, output_size=len(lists.values))
    return RaggedBatch(_join([lists.values, of_elements]), lists.lengths)


def _join(values: list[Tensor]) -> Tensor:
    return values[0] if len(values) == 1 else torch.cat(values, -1)
