"""Lists with additional learned elements before those of the sample. They take part in attention as all others do.

They are registers (Darcet et al., arXiv:2309.16588) or a class token (Devlin et al., arXiv:1810.04805). No list is
empty then.
"""

import torch
from torch import Tensor

from bevatron.models.layers.inputs import Padded
from bevatron.models.layers.lists_by_length import ListsByLength, PaddedSets, Sets
from bevatron.models.layers.row_places import RowPlaces
from bevatron.store.readers.batch import RaggedBatch


class WithRegisters:
    """The lists of `sets`, each with `n` more elements; `lists` are these lists, in the form of `sets`."""

    lists: Sets

    def __init__(self, sets: Sets, n: int):
        self.n = n
        if isinstance(sets, PaddedSets):
            longer = sets.elements.shape[1] + n
            empty = sets.elements.new_empty(sets.elements.shape[0], longer, 0)
            self.lists = PaddedSets(Padded(empty, sets.lengths + n))
            return
        n_elements, n_lists = len(sets.elements), len(sets.lengths)
        empty = sets.elements.new_empty(n_elements + n * n_lists, 0)
        self.lists = ListsByLength(RaggedBatch(empty, sets.lengths + n))
        self._all, self._elements = _places(self.lists.order.lengths, n_elements, n)

    def join(self, elements: Tensor, registers: Tensor) -> Tensor:
        """Elements as `sets` has them and registers (n, width), the same for each list, as `lists` has them."""
        return self.join_each(elements, registers.expand(self.lists.lengths.shape[0], -1, -1))

    def join_each(self, elements: Tensor, registers: Tensor) -> Tensor:
        """The same of registers (n_lists, n, width) for each list, in the order of the buckets of `lists`."""
        if isinstance(self.lists, PaddedSets):
            return torch.cat([registers, elements], 1)
        return self._all.put(torch.cat([elements, registers.flatten(0, 1)]))

    def drop(self, values: Tensor) -> Tensor:
        """The elements as `sets` has them, without the registers."""
        return values[:, self.n :] if isinstance(self.lists, PaddedSets) else self._elements.take(values)


def _places(lengths: Tensor, n_elements: int, n: int) -> tuple[RowPlaces, RowPlaces]:
    """Where elements and then registers go, and where elements alone do; lengths (n_lists,) of the longer lists."""
    device, n_lists = lengths.device, len(lengths)
    n_places = n_elements + n * n_lists
    lists = torch.arange(n_lists, device=device)
    starts = lengths.cumsum(0) - lengths
    list_of_place = torch.repeat_interleave(lists, lengths, output_size=n_places)
    place = torch.arange(n_places, device=device)
    offset = place - starts[list_of_place]
    element = place - (list_of_place + 1) * n
    is_element = offset >= n
    row = torch.where(is_element, element, n_elements + list_of_place * n + offset)
    list_of_element = torch.repeat_interleave(lists, lengths - n, output_size=n_elements)
    place_of_element = torch.arange(n_elements, device=device) + (list_of_element + 1) * n
    place_of_register = (starts.unsqueeze(1) + torch.arange(n, device=device)).view(-1)
    everything = RowPlaces(row, None, torch.cat([place_of_element, place_of_register]))
    return everything, RowPlaces(element.clamp(0, max(n_elements - 1, 0)), is_element, place_of_element)
