"""What the stage needs of a model's networks, whether PyTorch or onnxruntime computes them."""

from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np

from bevatron.store.shards.columns import Column, Ragged, Samples, SparseImages, elements_of


class Networks(Protocol):
    """The networks of a model, one for each seed."""

    def computing(self) -> AbstractContextManager[None]:
        """Within it the outputs have the same bits in every run."""
        ...

    def outputs(self, samples: Samples) -> np.ndarray:
        """(n_networks, n, n_outputs) float32, of n samples, one at least; lists no longer than `longest`."""
        ...

    def longest(self, group: str) -> int | None:
        """The elements of a list that the networks read at most; None of a group without lists."""
        ...

    @property
    def predicts_width(self) -> bool:
        """Whether a regression's outputs are followed by the width of each."""
        ...


def cut_lists(lists: Ragged, longest: int) -> tuple[Ragged, int]:
    """The first `longest` elements of each list, and how many lists had more."""
    lengths = lists.lengths
    n_longer = int((lengths > longest).sum())
    if n_longer == 0:
        return lists, 0
    rank = np.arange(len(lists.values)) - np.repeat(lists.offsets[:-1], lengths)
    offsets = np.concatenate([[0], np.cumsum(np.minimum(lengths, longest))]).astype(np.int64)
    return Ragged(lists.values[rank < np.repeat(np.full(len(lengths), longest), lengths)], offsets), n_longer


def part_of(column: Column, start: int, stop: int) -> Column:
    """The samples from start to stop, without a copy of their values."""
    if isinstance(column, Ragged | SparseImages):
        _, offsets = elements_of(np.arange(start, stop), column.offsets)
        elements = slice(int(column.offsets[start]), int(column.offsets[stop]))
        if isinstance(column, Ragged):
            return Ragged(column.values[elements], offsets)
        return SparseImages(column.index[elements], column.value[elements], offsets, column.shape)
    return type(column)(column.values[start:stop])
