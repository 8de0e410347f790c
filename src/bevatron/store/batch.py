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

    def draw(self, sparse: SparseBatch, channels_last: bool = False) -> Tensor:
        """The images, (batch, channels, height, width), in memory with the channels last if so; valid until the next
        call."""
        channels, height, width = sparse.shape
        batch, pixels = len(sparse.offsets) - 1, channels * height * width
        old, value = self._pixels, sparse.value
        if old is None or len(old) < batch * pixels or old.dtype != value.dtype or old.device != value.device:
            self._pixels, self._zeros = value.new_zeros(batch * pixels), value.new_zeros(0)
        else:
            if len(self._zeros) < len(self._touched):
                self._zeros = value.new_zeros(2 * len(self._touched))
            self._pixels.scatter_(0, self._touched, self._zeros)
        index = _with_channels_last(sparse.index, channels, height * width) if channels_last else sparse.index
        self._touched = _positions(index, sparse.offsets, pixels)
        self._pixels.scatter_(0, self._touched, value)  # a pixel stands once in a sample: no two writes meet
        drawn = self._pixels[: batch * pixels]
        if channels_last:
            return drawn.view(batch, height, width, channels).permute(0, 3, 1, 2)
        return drawn.view(batch, *sparse.shape)


def images(sparse: SparseBatch, canvas: Canvas | None = None, channels_last: bool = False) -> Tensor:
    """Dense images, (batch, channels, height, width), in fresh memory or that of `canvas`, till its next use."""
    return (canvas or Canvas()).draw(sparse, channels_last)


def _with_channels_last(index: Tensor, channels: int, area: int) -> Tensor:
    """Pixels counted channel by channel, counted place by place instead, (total,) int32."""
    if channels == 1:
        return index
    channel = torch.div(index, area, rounding_mode="floor")
    return (index - channel * area).mul_(channels).add_(channel)


def _positions(index: Tensor, offsets: Tensor, pixels: int) -> Tensor:
    """Where each stored pixel lies in the flattened batch, (total,) int64."""
    lengths = offsets.diff()
    first = torch.arange(0, len(lengths) * pixels, pixels, device=lengths.device)
    return torch.repeat_interleave(first, lengths, output_size=len(index)).add_(index)
