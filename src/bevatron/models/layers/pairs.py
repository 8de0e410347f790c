"""The n (n + 1) / 2 unordered pairs of the n elements of a list, including each element with itself."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from bevatron.models.layers.lists_by_length import PaddedSets, Sets
from bevatron.models.layers.row_places import RowPlaces


@dataclass(frozen=True)
class _Pairs:
    """The pairs in a bucket of lists (n_lists, n).

    first and second (n_pairs,): the elements of each pair; seen (n_lists, 1, 1, n): whether each element exists, None
    if all do; places: moves the pairs that exist to (n_lists · n_pairs).
    """

    n_lists: int
    n: int
    first: Tensor
    second: Tensor
    seen: Tensor | None
    places: RowPlaces | None = None


class Pairs:
    """Pairs of ragged lists are rows (n_rows, width) for those that exist. Pairs of padded lists are (batch, n_pairs,
    width), and `present` (batch, n_pairs) says which exist.
    """

    present: Tensor | None = None

    def __init__(self, lists: Sets, elements: Tensor):
        """elements: the values from which pairs are made, in the form of the lists' elements."""
        self._elements = lists.split(elements)
        self._is_padded = isinstance(lists, PaddedSets)
        self._buckets = [
            _pairs(part, bucket.seen, self._is_padded)
            for part, bucket in zip(self._elements, lists.buckets, strict=True)
        ]
        if isinstance(lists, PaddedSets):
            pairs = self._buckets[0]
            self.present = lists.present[:, pairs.first] & lists.present[:, pairs.second]

    def members(self) -> tuple[Tensor, Tensor]:
        """The two elements of each pair."""
        parts = zip(self._buckets, self._elements, strict=True)
        both = [(self._rows(b, part[:, b.first]), self._rows(b, part[:, b.second])) for b, part in parts]
        return torch.cat([first for first, _ in both]), torch.cat([second for _, second in both])

    def _rows(self, pairs: _Pairs, values: Tensor) -> Tensor:
        if self._is_padded:
            return values
        rows = values.flatten(0, 1)
        return rows if pairs.places is None else pairs.places.take(rows)

    def as_bias(self, values: Tensor) -> list[Tensor]:
        """Values of pairs, `heads` numbers for each, to a bias of attention for each bucket, (n_lists, heads, n, n).

        It is -inf where there is no element to attend to.
        """
        if self._is_padded:
            return [_bias(self._buckets[0], values)]
        sizes = [p.n_lists * len(p.first) if p.places is None else len(p.places.place_of_row) for p in self._buckets]
        return [
            _bias(p, (part if p.places is None else p.places.put(part)).view(p.n_lists, len(p.first), values.shape[1]))
            for p, part in zip(self._buckets, values.split(sizes), strict=True)
        ]


def _pairs(part: Tensor, seen: Tensor | None, is_padded: bool) -> _Pairs:
    n_lists, n = part.shape[:2]
    first, second = torch.tril_indices(n, n, device=part.device)
    if seen is None or is_padded:
        return _Pairs(n_lists, n, first, second, seen)
    there = seen.view(n_lists, n)
    present = (there[:, first] & there[:, second]).view(-1)
    places = RowPlaces((present.cumsum(0) - 1).clamp_(min=0), present, present.nonzero().squeeze(1))
    return _Pairs(n_lists, n, first, second, seen, places)


def _bias(pairs: _Pairs, values: Tensor) -> Tensor:
    """(n_lists, n_pairs, heads) to (n_lists, heads, n, n)."""
    values = values.transpose(1, 2)
    bias = _symmetric(values, pairs.n) if torch.compiler.is_exporting() else _Symmetric.apply(values, pairs.n)
    return bias if pairs.seen is None else bias.masked_fill(~pairs.seen, -torch.inf)


def _symmetric(values: Tensor, n: int) -> Tensor:
    """Values of pairs (..., n (n + 1) / 2) to their symmetric matrix (..., n, n)."""
    place = torch.arange(n, device=values.device)
    low, high = torch.minimum(place.unsqueeze(1), place), torch.maximum(place.unsqueeze(1), place)
    return values.index_select(2, (high * (high + 1) // 2 + low).view(-1)).unflatten(2, (n, n))


class _Symmetric(Function):
    """`_symmetric`, with a gradient that gathers values, where PyTorch's own adds them at scattered places."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, n: int) -> Tensor:
        return _symmetric(values, n)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        n = gradient.shape[2]
        first, second = torch.tril_indices(n, n, device=gradient.device)
        flat = gradient.flatten(2)
        below, above = flat.index_select(2, first * n + second), flat.index_select(2, second * n + first)
        return below + above.masked_fill(first == second, 0), None
