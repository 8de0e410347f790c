"""Rows put into places and taken out again: moves of memory whose gradients are moves of memory too.

PyTorch's own gradient of `index_select` adds rows up, as an index may come twice. Here every row has one place, so the
gradient of putting is taking and the other way round. That is faster, and the same in every run on a GPU as well.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


@dataclass(frozen=True)
class RowPlaces:
    """Which of n_places each of n_rows rows has.

    row_of_place: (n_places,) int64, any valid row where a place is empty; taken: (n_places,) bool, None where all
    are; place_of_row: (n_rows,) int64.
    """

    row_of_place: Tensor
    taken: Tensor | None
    place_of_row: Tensor

    def put(self, rows: Tensor) -> Tensor:
        """Rows (n_rows, width) into their places (n_places, width), which are zero where empty."""
        return _Put.apply(rows, self)

    def take(self, places: Tensor) -> Tensor:
        """The rows (n_rows, width) that are in the places (n_places, width)."""
        return _Take.apply(places, self)


class _Put(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, where: RowPlaces) -> Tensor:
        ctx.where = where
        return _put(rows, where)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient.index_select(0, ctx.where.place_of_row), None


class _Take(Function):
    @staticmethod
    def forward(ctx: Any, places: Tensor, where: RowPlaces) -> Tensor:
        ctx.where = where
        return places.index_select(0, where.place_of_row)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _put(gradient, ctx.where), None


def _put(rows: Tensor, where: RowPlaces) -> Tensor:
    if len(rows) == 0:
        return rows.new_zeros(len(where.row_of_place), rows.shape[1])
    places = rows.index_select(0, where.row_of_place)
    return places if where.taken is None else places.masked_fill_(~where.taken.unsqueeze(1), 0)


def inverse_permutation(order: Tensor) -> Tensor:
    """The place of each number in `order` (n,), a permutation of 0 to n - 1."""
    return torch.argsort(order)
