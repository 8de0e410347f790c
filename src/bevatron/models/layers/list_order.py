"""Lists in the order of their lengths, the longest first: what every computation on existing elements starts from."""

from itertools import accumulate

import torch
from torch import Tensor

from bevatron.models.layers.row_places import RowPlaces, inverse_permutation


class ListOrder:
    """The lists of a batch by length; lists of equal length stay in the order of the batch, empty ones come last.

    lengths: (batch,) int64, the number of elements of each list. The lengths are read on the host once, as PyTorch's
    packed sequences do: the sizes of all tensors that follow depend on them.

    counts[k] is the number of lists of k elements, n_lists that of the lists that are not empty.
    """

    def __init__(self, lengths: Tensor):
        self.counts: list[int] = torch.bincount(lengths.cpu(), minlength=1).tolist()
        self.n_lists = sum(self.counts[1:])
        self.longest = len(self.counts) - 1
        self.n_elements = sum(length * count for length, count in enumerate(self.counts))
        order = torch.argsort(lengths, descending=True, stable=True)
        self.lengths = lengths[order[: self.n_lists]]
        self._starts = (lengths.cumsum(0) - lengths)[order[: self.n_lists]]
        taken = None if self.n_lists == len(lengths) else lengths > 0
        rank = inverse_permutation(order)
        if taken is not None:
            rank = rank.clamp(max=max(self.n_lists - 1, 0))
        self._places = RowPlaces(rank, taken, order[: self.n_lists])

    def elements_by_list(self) -> Tensor:
        """Indices (n_elements,) of the batch's elements, list after list."""
        shift = self._starts - (self.lengths.cumsum(0) - self.lengths)
        shifts = torch.repeat_interleave(shift, self.lengths, output_size=self.n_elements)
        return shifts + torch.arange(self.n_elements, device=shifts.device)

    def elements_by_step(self) -> Tensor:
        """Indices (n_elements,) of the batch's elements: the first of every list, then the second ones, and so on."""
        place = torch.arange(self.longest, device=self._starts.device).unsqueeze(1)
        return (self._starts + place)[place < self.lengths]

    def lists_at_step(self) -> list[int]:
        """The number of lists that have a first element, a second one, and so on; [0] where all lists are empty."""
        longer = list(accumulate(reversed(self.counts[1:])))
        return longer[::-1] or [0]

    def by_length(self, rows: Tensor) -> Tensor:
        """One row for each list of the batch, (batch, width), to those of lists that are not empty, by their length:
        (n_lists, width).
        """
        return self._places.take(rows)

    def restore_elements(self, rows: Tensor) -> Tensor:
        """Elements list after list, by the lists' length, (n_elements, width), in the order of the batch."""
        places = self.elements_by_list()
        return RowPlaces(inverse_permutation(places), None, places).put(rows)

    def restore(self, rows: Tensor) -> Tensor:
        """One row for each list that is not empty, (n_lists, width), in the order of the batch: (batch, width).

        Rows of empty lists are zero.
        """
        return self._places.put(rows)
