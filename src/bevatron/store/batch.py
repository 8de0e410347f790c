"""Ragged and sparse batches, and how they become dense on the device they lie on."""

from typing import NamedTuple

import torch
from torch import Tensor


class RaggedBatch(NamedTuple):
    """Lists of elements, one after another: values (total, n_features), lengths (batch,) int64."""

    values: Tensor
    lengths: Tensor


class SparseBatch(NamedTuple):
    """Sparse images: index and value (total,), offsets (batch + 1,) int64, shape (channels, height, width).

    `index` int32 counts the pixels of an image in C order of `shape`.
    """

    index: Tensor
    value: Tensor
    offsets: Tensor
    shape: tuple[int, int, int]


class Padded(NamedTuple):
    """Lists of one length: values (batch, n, n_features), zero behind the first n_valid (batch,) int64."""

    values: Tensor
    n_valid: Tensor


def padded(ragged: RaggedBatch, max_length: int) -> Padded:
    """The first `max_length` elements of every list, shorter ones filled up with zeros."""
    values, lengths = ragged
    batch, features = len(lengths), values.shape[1:]
    if len(values) == 0:
        return Padded(values.new_zeros((batch, max_length, *features)), lengths.clamp(max=max_length))
    place = torch.arange(max_length, device=values.device)
    starts = lengths.cumsum(0) - lengths
    element = (starts[:, None] + place).clamp_(max=len(values) - 1)
    valid = place < lengths[:, None]
    dense = values.index_select(0, element.view(-1)).view(batch, max_length, *features)
    dense.masked_fill_(~valid.view(batch, max_length, *(1 for _ in features)), 0)
    return Padded(dense, lengths.clamp(max=max_length))


class Canvas:
    """Memory for dense images, used again and again: only the pixels touched last are cleared."""

    def __init__(self) -> None:
        self._pixels: Tensor | None = None
        self._touched: Tensor | None = None
        self._zeros: Tensor | None = None

    def draw(self, sparse: SparseBatch) -> Tensor:
        """The images, (batch, channels, height, width); valid until the next call."""
        batch, pixels = len(sparse.offsets) - 1, sparse.shape[0] * sparse.shape[1] * sparse.shape[2]
        old, value = self._pixels, sparse.value
        if old is None or len(old) < batch * pixels or old.dtype != value.dtype or old.device != value.device:
            self._pixels, self._zeros = value.new_zeros(batch * pixels), value.new_zeros(0)
        else:
            if len(self._zeros) < len(self._touched):
                self._zeros = value.new_zeros(2 * len(self._touched))
            self._pixels.scatter_(0, self._touched, self._zeros)
        self._touched = _positions(sparse, pixels)
        self._pixels.scatter_(0, self._touched, value)  # a pixel stands once in a sample: no two writes meet
        return self._pixels[: batch * pixels].view(batch, *sparse.shape)


def images(sparse: SparseBatch, canvas: Canvas | None = None) -> Tensor:
    """Dense images, (batch, channels, height, width), in fresh memory or that of `canvas`, till its next use."""
    return (canvas or Canvas()).draw(sparse)


def _positions(sparse: SparseBatch, pixels: int) -> Tensor:
    """Where each stored pixel lies in the flattened batch, (total,) int64."""
    lengths = sparse.offsets.diff()
    first = torch.arange(0, len(lengths) * pixels, pixels, device=lengths.device)
    return torch.repeat_interleave(first, lengths, output_size=len(sparse.index)).add_(sparse.index)
