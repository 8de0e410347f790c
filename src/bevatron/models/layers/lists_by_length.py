"""Lists in the order of their lengths: sums over their elements, groups of lists of about one length, for attention
among elements, and windows of neighbours.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.models.layers.inputs import Lists, Padded
from bevatron.models.layers.list_order import ListOrder
from bevatron.models.layers.row_places import RowPlaces
from bevatron.store.readers.batch import RaggedBatch

Pooling = Literal["sum", "mean"]
MAX_BUCKETS = 16  # on a CPU: each costs calls of kernels. A GPU is faster with all lists in one.


@dataclass(frozen=True)
class Bucket:
    """n_lists lists of up to n elements, n_elements in all; `places` (n_lists · n) where not all have n."""

    n_lists: int
    n: int
    n_elements: int
    places: RowPlaces | None = None

    @property
    def seen(self) -> Tensor | None:
        """(n_lists, 1, 1, n) bool: which places hold an element, for `scaled_dot_product_attention`; None: all."""
        if self.places is None or self.places.taken is None:
            return None
        return self.places.taken.view(self.n_lists, 1, 1, self.n)

    def pad(self, rows: Tensor) -> Tensor:
        """(n_elements, width) to (n_lists, n, width), zero where there is no element."""
        placed = rows if self.places is None else self.places.put(rows)
        return placed.view(self.n_lists, self.n, rows.shape[1])

    def unpad(self, values: Tensor) -> Tensor:
        """(n_lists, n, width) to (n_elements, width)."""
        rows = values.reshape(self.n_lists * self.n, values.shape[2])
        return rows if self.places is None else self.places.take(rows)


class ListsByLength:
    """A batch of lists whose elements are rows (n_elements, width), list after list, the longest lists first.

    Layers over single elements take `elements`, and what they give can be summed over each list or split into buckets.
    """

    def __init__(self, lists: RaggedBatch):
        self.order = ListOrder(lists.lengths)
        self.lengths = lists.lengths
        self.elements = lists.values.index_select(0, self.order.elements_by_list())

    @cached_property
    def buckets(self) -> list[Bucket]:
        """The lists that are not empty, in groups of about one length, the longest first."""
        return _make_buckets(self.order, MAX_BUCKETS if self.elements.device.type == "cpu" else 1)

    def buckets_by_length(self) -> list[Bucket]:
        """The same in groups of about one length on a GPU as well: for what costs the square of the length."""
        return self.buckets if self.elements.device.type == "cpu" else _make_buckets(self.order, MAX_BUCKETS)

    def split(self, values: Tensor) -> list[Tensor]:
        """Rows (n_elements, width) to lists (n_lists, n, width) of each bucket."""
        parts = values.split([bucket.n_elements for bucket in self.buckets])
        return [bucket.pad(part) for bucket, part in zip(self.buckets, parts, strict=True)]

    def join(self, parts: list[Tensor]) -> Tensor:
        """The inverse of `split`."""
        return torch.cat([bucket.unpad(part) for bucket, part in zip(self.buckets, parts, strict=True)])

    def split_samples(self, rows: Tensor) -> list[Tensor]:
        """A row for each list in the order of the batch, (batch, width), to those of each bucket, (n_lists, width)."""
        return list(self.order.by_length(rows).split([bucket.n_lists for bucket in self.buckets]))

    def in_batch_order(self, values: Tensor) -> Tensor:
        """Rows (n_elements, width) of elements as `elements` has them, in the order of the batch."""
        return self.order.restore_elements(values)

    def pool(self, values: Tensor, how: Pooling) -> Tensor:
        """Sum or mean over the elements of each list, in the order of the batch: (batch, width); zero if empty."""
        total = self.restore([part.sum(1) for part in self.split(values)])
        return total if how == "sum" else total / self.lengths.clamp(min=1).unsqueeze(1)

    def restore(self, parts: list[Tensor]) -> Tensor:
        """A row for each list of each bucket, (n_lists, width), in the order of the batch: (batch, width)."""
        return self.order.restore(torch.cat(parts))

    def windows(self, values: Tensor, reach: int) -> Tensor:
        """Each row with those up to `reach` places before and after it in its list, (n_elements, (2 reach + 1) width):
        the earliest first, zero where there is none.
        """
        before, after = self._places_around
        moved = [values]
        for distance in range(1, reach + 1):
            earlier = values.roll(distance, 0).masked_fill((before < distance).unsqueeze(1), 0)
            later = values.roll(-distance, 0).masked_fill((after < distance).unsqueeze(1), 0)
            moved = [earlier, *moved, later]
        return torch.cat(moved, 1)

    @cached_property
    def _places_around(self) -> tuple[Tensor, Tensor]:
        """Of each element how many are before it in its list, and after it; both (n_elements,) int64."""
        lengths, n_elements = self.order.lengths, len(self.elements)
        last = torch.repeat_interleave(lengths.cumsum(0) - 1, lengths, output_size=n_elements)
        after = last - torch.arange(n_elements, device=last.device)
        before = torch.repeat_interleave(lengths, lengths, output_size=n_elements) - 1 - after
        return before, after


class PaddedSets:
    """The same for padded lists: one bucket of all, whose elements are (batch, n, width). It is what ONNX can express.

    An empty list sees one absent element, so that its attention is finite.
    """

    def __init__(self, lists: Padded):
        self.elements, self.lengths = lists
        place = torch.arange(self.elements.shape[1], device=self.elements.device)
        self.present = place < self.lengths.unsqueeze(1)
        self.buckets = [_Whole((self.present | (place == 0)).unsqueeze(1).unsqueeze(1))]

    def split(self, values: Tensor) -> list[Tensor]:
        """All lists, (batch, n, width), as one bucket."""
        return [values]

    def join(self, parts: list[Tensor]) -> Tensor:
        """The inverse of `split`."""
        return parts[0]

    def split_samples(self, rows: Tensor) -> list[Tensor]:
        """A row for each list, (batch, width), as one bucket."""
        return [rows]

    def in_batch_order(self, values: Tensor) -> Tensor:
        """(batch, n, width) as they are."""
        return values

    def pool(self, values: Tensor, how: Pooling) -> Tensor:
        """Sum or mean over the elements present: (batch, n, width) to (batch, width); zero for an empty list."""
        total = (values * self.present.unsqueeze(2)).sum(1)
        return total if how == "sum" else total / self.lengths.clamp(min=1).unsqueeze(1)

    def restore(self, parts: list[Tensor]) -> Tensor:
        """A row for each list, (batch, width), as it is."""
        return parts[0]

    def windows(self, values: Tensor, reach: int) -> Tensor:
        """Each vector with those up to `reach` places before and after it in its list: (batch, n, (2 reach + 1) width),
        the earliest first, zero where there is none.
        """
        n = values.shape[1]
        wide = functional.pad(values * self.present.unsqueeze(2), (0, 0, reach, reach))
        return torch.cat([wide[:, start : start + n] for start in range(2 * reach + 1)], 2)


@dataclass(frozen=True)
class _Whole:
    seen: Tensor | None


Sets = ListsByLength | PaddedSets


def by_length(lists: Lists) -> Sets:
    """The lists as sets, in the form in which they come."""
    return PaddedSets(lists) if isinstance(lists, Padded) else ListsByLength(lists)


def _make_buckets(order: ListOrder, maximum: int) -> list[Bucket]:
    """Consecutive lists whose lengths differ by less than a step; not at all where there are few lengths."""
    step = max(1, -(-order.longest // maximum))
    buckets, first = [], 0
    for longest in range(order.longest, 0, -step):
        lengths = {k: order.counts[k] for k in range(longest, max(longest - step, 0), -1) if order.counts[k]}
        if lengths:
            n_lists = sum(lengths.values())
            buckets.append(_make_bucket(order.lengths[first : first + n_lists], lengths))
            first += n_lists
    return buckets or [Bucket(0, 1, 0)]


def _make_bucket(lengths: Tensor, counts: dict[int, int]) -> Bucket:
    """counts: how many lists there are of each length."""
    n_lists, n = len(lengths), max(counts)
    n_elements = sum(length * count for length, count in counts.items())
    if len(counts) == 1:
        return Bucket(n_lists, n, n_elements)
    place = torch.arange(n, device=lengths.device)
    starts = lengths.cumsum(0) - lengths
    row_of_place = (starts.unsqueeze(1) + place).clamp_(max=n_elements - 1).view(-1)
    taken = (place < lengths.unsqueeze(1)).view(-1)
    shift = torch.arange(0, n_lists * n, n, device=lengths.device) - starts
    place_of_row = torch.repeat_interleave(shift, lengths, output_size=n_elements)
    place_of_row += torch.arange(n_elements, device=lengths.device)
    return Bucket(n_lists, n, n_elements, RowPlaces(row_of_place, taken, place_of_row))
