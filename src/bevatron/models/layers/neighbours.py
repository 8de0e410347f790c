"""The graph of the nearest neighbours of each element in its list, with values on its edges."""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from bevatron.models.layers.lists_by_length import Bucket, ListsByLength, PaddedSets, Sets
from bevatron.models.layers.row_places import RowPlaces

FEW = 4  # with up to so many coordinates, distances are sums of squared differences, which are exact


@dataclass(frozen=True)
class _Edges:
    """The k edges to each element in a bucket of lists (n_lists, n).

    neighbours (n_lists, n, k): the place in the list from which each edge comes, None if edges come from all other
    elements; present (n_lists, n, k) bool: whether each edge exists, None if all do; places: moves the edges of ragged
    lists, (n_edges, width), to (n_lists · n · k, width).
    """

    n_lists: int
    n: int
    k: int
    neighbours: Tensor | None
    present: Tensor | None
    places: RowPlaces | None = None

    def connect(self, to: Tensor, come_from: Tensor) -> Tensor:
        """to[i] + come_from[j] of each edge from j to i: (n_lists, n, width) each to (n_lists, n, k, width)."""
        if self.neighbours is None:
            exporting = torch.compiler.is_exporting()
            return _all_others(to, come_from) if exporting else _AllOthers.apply(to, come_from)
        width = come_from.shape[2]
        first = torch.arange(come_from.shape[0], device=come_from.device).view(-1, 1, 1) * come_from.shape[1]
        found = come_from.reshape(-1, width).index_select(0, (self.neighbours + first).view(-1))
        return found.view(*self.neighbours.shape, width) + to.unsqueeze(2)

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the edges to each element, (n_lists, n, k, width) to (n_lists, n, width); zero without edges.

        Values of edges that do not exist must be zero.
        """
        if self.present is None:
            return values.mean(2)
        return values.sum(2) / self.present.sum(2).clamp(min=1).unsqueeze(2)


class RaggedNeighbours:
    """Edges (n_edges, width) to each element of `lists` from its k nearest neighbours, or from all others if fewer.

    points: in the form of the lists' elements, with any number of coordinates.
    """

    present = None

    def __init__(self, lists: ListsByLength, points: Tensor, k: int):
        self._lists = lists
        buckets = zip(lists.buckets, lists.split(points.detach()), strict=True)
        self._buckets = [_ragged_edges(bucket, part, k) for bucket, part in buckets]
        self._sizes = [
            edges.n_lists * edges.n * edges.k if edges.places is None else len(edges.places.place_of_row)
            for edges in self._buckets
        ]

    def connect(self, to: Tensor, come_from: Tensor) -> Tensor:
        """to[i] + come_from[j] for each edge from j to i, (n_edges, width), from values of the elements."""
        parts = zip(self._buckets, self._lists.split(to), self._lists.split(come_from), strict=True)
        rows = [(edges, edges.connect(a, b).reshape(-1, to.shape[1])) for edges, a, b in parts if edges.k]
        if not rows:
            return to[:0] + come_from[:0]
        return torch.cat([part if edges.places is None else edges.places.take(part) for edges, part in rows])

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the edges to each element, in the form of the lists' elements; zero without edges."""
        width, parts = values.shape[1], []
        for edges, part in zip(self._buckets, values.split(self._sizes), strict=True):
            if edges.k == 0:
                parts.append(values.new_zeros(edges.n_lists, edges.n, width))
                continue
            placed = part if edges.places is None else edges.places.put(part)
            parts.append(edges.mean(placed.view(edges.n_lists, edges.n, edges.k, width)))
        if len(values) == 0:
            parts[0] = parts[0] + 0 * values.sum()  # the gradient of the layers is zero, not missing
        return self._lists.join(parts)


class PaddedNeighbours:
    """The same for padded lists, with edges (batch, n, k, width) and `present` (batch, n, k), as ONNX needs it."""

    def __init__(self, lists: PaddedSets, points: Tensor, k: int):
        self._edges = _edges(points.detach(), lists.present, k)
        assert self._edges.present is not None
        self.present = self._edges.present

    def connect(self, to: Tensor, come_from: Tensor) -> Tensor:
        """to[i] + come_from[j] for each edge from j to i, (batch, n, k, width)."""
        if self._edges.k == 0:
            return to.unsqueeze(2)[:, :, :0] + come_from.unsqueeze(2)[:, :, :0]
        return self._edges.connect(to, come_from)

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the edges to each element, (batch, n, width)."""
        return self._edges.mean(values * self.present.unsqueeze(3))


Neighbours = RaggedNeighbours | PaddedNeighbours


def nearest_neighbours(lists: Sets, points: Tensor, k: int) -> Neighbours:
    """The graph of the k nearest neighbours, in the form of the lists."""
    return PaddedNeighbours(lists, points, k) if isinstance(lists, PaddedSets) else RaggedNeighbours(lists, points, k)


def _ragged_edges(bucket: Bucket, points: Tensor, k: int) -> _Edges:
    seen = bucket.seen
    if seen is None:
        return _edges(points, None, k)
    edges = _edges(points, seen.view(bucket.n_lists, bucket.n), k)
    assert edges.present is not None
    present = edges.present.reshape(-1)
    rows = present.nonzero().squeeze(1)
    places = RowPlaces((present.cumsum(0) - 1).clamp_(min=0), present, rows)
    return _Edges(edges.n_lists, edges.n, edges.k, edges.neighbours, edges.present, places)


def _edges(points: Tensor, present: Tensor | None, k: int) -> _Edges:
    """The edges for points (n_lists, n, coordinates). present (n_lists, n): whether each exists, None if all do."""
    n_lists, n, _ = points.shape
    k = min(k, n - 1)
    if k == n - 1:  # all others, whatever their distances
        pairs = None if present is None else _off_diagonal((present.unsqueeze(2) & present.unsqueeze(1)).unsqueeze(3))
        return _Edges(n_lists, n, k, None, None if pairs is None else pairs.squeeze(3))
    distance = _squared_distances(points)
    itself = torch.eye(n, dtype=torch.bool, device=points.device)
    distance = distance.masked_fill(itself if present is None else itself | ~present.unsqueeze(1), torch.inf)
    neighbours = distance.topk(k, 2, largest=False, sorted=True).indices
    if present is None:
        return _Edges(n_lists, n, k, neighbours, None)
    n_others = present.sum(1).view(-1, 1, 1) - 1
    there = (torch.arange(k, device=points.device) < n_others) & present.unsqueeze(2)
    return _Edges(n_lists, n, k, neighbours, there)


def _squared_distances(points: Tensor) -> Tensor:
    """(n_lists, n, coordinates) to (n_lists, n, n); in full precision, whatever the network's precision is."""
    points = points if points.dtype == torch.float64 else points.float()
    if points.shape[2] <= FEW:
        return (points.unsqueeze(2) - points.unsqueeze(1)).square().sum(3)
    exporting = torch.compiler.is_exporting()
    with nullcontext() if exporting else torch.autocast(points.device.type, enabled=False):
        square = points.square().sum(2)
        return square.unsqueeze(2) + square.unsqueeze(1) - 2 * points @ points.transpose(1, 2)


def _all_others(to: Tensor, come_from: Tensor) -> Tensor:
    return _off_diagonal(to.unsqueeze(2) + come_from.unsqueeze(1))


class _AllOthers(Function):
    """to[i] + come_from[j] for all j but i, (n_lists, n, width) each to (n_lists, n, n - 1, width)."""

    @staticmethod
    def forward(ctx: Any, to: Tensor, come_from: Tensor) -> Tensor:
        return _all_others(to, come_from)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        n_lists, n, _, width = gradient.shape
        pairs = gradient.new_zeros(n_lists, n * n, width)
        pairs[:, 1:].view(n_lists, n - 1, n + 1, width)[:, :, :-1] = gradient.reshape(n_lists, n - 1, n, width)
        return gradient.sum(2), pairs.view(n_lists, n, n, width).sum(1)


def _off_diagonal(pairs: Tensor) -> Tensor:
    """(n_lists, n, n, width) without the pairs of an element with itself: (n_lists, n, n - 1, width)."""
    n_lists, n, _, width = pairs.shape
    if n == 1:
        return pairs[:, :, :0]
    rows = pairs.reshape(n_lists, n * n, width)[:, 1:].reshape(n_lists, n - 1, n + 1, width)[:, :, :-1]
    return rows.reshape(n_lists, n, n - 1, width)
