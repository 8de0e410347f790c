"""Lists that are folded: neighbours become pairs, each pair one vector, until every list has one vector left."""

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.models.layers.inputs import Lists, Padded
from bevatron.models.layers.row_places import RowPlaces


class ListsByPair:
    """A batch of lists whose elements are rows (n_elements, width), list after list, in the order of the batch.

    lengths: (batch,) int64; on_host: the same in the host's memory, where the sizes of all tensors follow from them.
    """

    def __init__(self, elements: Tensor, lengths: Tensor, on_host: Tensor):
        self.elements, self._lengths, self._on_host = elements, lengths, on_host

    def pair(self, values: Tensor) -> tuple[Tensor, "ListsByPair"]:
        """Each two neighbours (2i, 2i + 1) of a list as one row of twice the width, and the lists of these pairs.

        The last element of a list of odd length is joined by zeros.
        """
        lengths, on_host = (self._lengths + 1) // 2, (self._on_host + 1) // 2
        n_rows, n_pairs = len(values), int(on_host.sum())
        if n_rows < 2 * n_pairs:
            values = _places_in_pairs(self._lengths, lengths, n_rows, 2 * n_pairs).put(values)
        pairs = values.reshape(n_pairs, 2 * values.shape[1])
        return pairs, ListsByPair(pairs, lengths, on_host)

    def single(self, values: Tensor) -> Tensor:
        """The row of each list, which has one at most: (batch, width); zero for an empty list."""
        n_rows, n_lists = len(values), len(self._lengths)
        if n_rows == n_lists:
            return values
        row_of_list = (self._lengths.cumsum(0) - 1).clamp_(0, max(n_rows - 1, 0))
        lists = torch.arange(n_lists, device=values.device)
        list_of_row = torch.repeat_interleave(lists, self._lengths, output_size=n_rows)
        return RowPlaces(row_of_list, self._lengths > 0, list_of_row).put(values)


class PaddedPairs:
    """The same for padded lists, (batch, n, width), in which absent vectors are zero. It is what ONNX can express."""

    def __init__(self, elements: Tensor, n_valid: Tensor):
        self.elements, self._n_valid = elements, n_valid

    def pair(self, values: Tensor) -> tuple[Tensor, "PaddedPairs"]:
        """Each two neighbours (2i, 2i + 1) as one: (batch, ⌈n / 2⌉, 2 width)."""
        n, width = values.shape[1:]
        present = torch.arange(n, device=values.device) < self._n_valid.unsqueeze(1)
        even = functional.pad(values * present.unsqueeze(2), (0, 0, 0, n % 2))
        pairs = even.reshape(values.shape[0], (n + 1) // 2, 2 * width)
        return pairs, PaddedPairs(pairs, (self._n_valid + 1) // 2)

    def single(self, values: Tensor) -> Tensor:
        """The only row of each list: (batch, width); zero for an empty list."""
        return values[:, 0] * (self._n_valid > 0).unsqueeze(1)


def by_pair(lists: Lists) -> ListsByPair | PaddedPairs:
    """The lists to be folded, in the form in which they come."""
    if isinstance(lists, Padded):
        return PaddedPairs(*lists)
    return ListsByPair(lists.values, lists.lengths, lists.lengths.cpu())


def _places_in_pairs(lengths: Tensor, n_pairs: Tensor, n_rows: int, n_places: int) -> RowPlaces:
    """Rows of lists of these lengths (batch,) in places of which every list has an even number, 2 n_pairs (batch,)."""
    rows_before, places_before = lengths.cumsum(0) - lengths, 2 * (n_pairs.cumsum(0) - n_pairs)
    shift = places_before - rows_before
    place_of_row = torch.repeat_interleave(shift, lengths, output_size=n_rows)
    place_of_row += torch.arange(n_rows, device=lengths.device)
    ends = torch.repeat_interleave(rows_before + lengths, 2 * n_pairs, output_size=n_places)
    row_of_place = torch.arange(n_places, device=lengths.device)
    row_of_place -= torch.repeat_interleave(shift, 2 * n_pairs, output_size=n_places)
    return RowPlaces(row_of_place.clamp(max=max(n_rows - 1, 0)), row_of_place < ends, place_of_row)
