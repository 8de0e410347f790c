"""Ragged and sparse batches: how they are cut into smaller ones and selected from, and how they become dense."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor


class RaggedBatch(NamedTuple):
    """Lists of elements, one after another: values (total, n_features), or of a target of elements (total,); lengths
    (batch,) int64.
    """

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


class PaddedBatch(NamedTuple):
    """Lists of one length: values (batch, n, n_features), zero behind the first n_valid (batch,) int64."""

    values: Tensor
    n_valid: Tensor


def pad(ragged: RaggedBatch, max_length: int) -> PaddedBatch:
    """The first `max_length` elements of every list, shorter ones filled up with zeros."""
    values, lengths = ragged
    batch, features = len(lengths), values.shape[1:]
    if len(values) == 0:
        return PaddedBatch(values.new_zeros((batch, max_length, *features)), lengths.clamp(max=max_length))
    position = torch.arange(max_length, device=values.device)
    starts = lengths.cumsum(0) - lengths
    element = (starts[:, None] + position).clamp_(max=len(values) - 1)
    valid = position < lengths[:, None]
    dense = values.index_select(0, element.view(-1)).view(batch, max_length, *features)
    dense.masked_fill_(~valid.view(batch, max_length, *(1 for _ in features)), 0)
    return PaddedBatch(dense, lengths.clamp(max=max_length))


def select_lists(ragged: RaggedBatch, indices: Tensor) -> RaggedBatch:
    """The lists `indices` (n,) int64 of a batch, in that order."""
    lengths = ragged.lengths[indices]
    starts = (ragged.lengths.cumsum(0) - ragged.lengths)[indices]
    elements = torch.repeat_interleave(starts - (lengths.cumsum(0) - lengths), lengths)
    elements += torch.arange(len(elements), device=elements.device)
    return RaggedBatch(ragged.values.index_select(0, elements), lengths)


class ImageBuffer:
    """Memory for dense images, used again and again: only the pixels touched last are cleared."""

    def __init__(self) -> None:
        self._pixels = torch.zeros(0)
        self._touched = torch.zeros(0, dtype=torch.int64)  # pixels that the last call wrote
        self._zeros = torch.zeros(0)
        self._firsts = torch.zeros(0, dtype=torch.int64)  # where each image begins
        self._size = 0  # of an image

    def draw(self, sparse: SparseBatch, channels_last: bool = False) -> Tensor:
        """The images, (batch, channels, height, width), in memory with the channels last if so; valid until the next
        call.
        """
        channels, height, width = sparse.shape
        batch, pixels = len(sparse.offsets) - 1, channels * height * width
        old, value = self._pixels, sparse.value
        if len(old) < batch * pixels or old.dtype != value.dtype or old.device != value.device:
            self._pixels, self._zeros = value.new_zeros(batch * pixels), value.new_zeros(0)
        else:
            if len(self._zeros) < len(self._touched):
                self._zeros = value.new_zeros(2 * len(self._touched))
            with _no_two_writes_meet():
                self._pixels.scatter_(0, self._touched, self._zeros)
        index = _with_channels_last(sparse.index, channels, height * width) if channels_last else sparse.index
        if len(self._firsts) < batch or self._size != pixels or self._firsts.device != value.device:
            self._firsts, self._size = torch.arange(0, batch * pixels, pixels, device=value.device), pixels
        lengths, firsts = sparse.offsets.diff(), self._firsts[:batch]
        self._touched = torch.repeat_interleave(firsts, lengths, output_size=len(index)).add_(index)
        with _no_two_writes_meet():  # a pixel stands once in a sample
            self._pixels.scatter_(0, self._touched, value)
        drawn = self._pixels[: batch * pixels]
        if channels_last:
            return drawn.view(batch, height, width, channels).permute(0, 3, 1, 2)
        return drawn.view(batch, *sparse.shape)


def images(sparse: SparseBatch, buffer: ImageBuffer | None = None, channels_last: bool = False) -> Tensor:
    """Dense images, (batch, channels, height, width), in fresh memory or that of `buffer`, till its next use."""
    return (buffer or ImageBuffer()).draw(sparse, channels_last)


def _with_channels_last(index: Tensor, channels: int, area: int) -> Tensor:
    """Pixels counted channel by channel, counted place by place instead, (total,) int32."""
    if channels == 1:
        return index
    channel = torch.div(index, area, rounding_mode="floor")
    # place · channels + channel, where place = index - channel · area
    return torch.add(index * channels, channel, alpha=1 - area * channels)


@contextmanager
def _no_two_writes_meet() -> Iterator[None]:
    """Within it torch does not sort what is written, which takes a GPU far longer than the writing itself.

    It does so where deterministic kernels are asked for, as of two writes to one place either may be the last.
    """
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode(0)
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


def cut(batch: dict[str, Any], sizes: list[int], elements: dict[str, list[int]]) -> Iterator[dict[str, Any]]:
    """A batch as smaller ones of these sizes, one after the other, without a copy.

    elements: of each group that is a list or sparse, and each target of elements, how many elements each of them has.
    """
    inputs = {name: _pieces(group, sizes, elements.get(name)) for name, group in batch["inputs"].items()}
    targets = {name: target.split(sizes) for name, target in batch["targets"].items()}
    others = {name: batch[name].split(sizes) for name in ("id", "weight") if name in batch}
    of_elements = {name: _pieces(t, sizes, elements[name]) for name, t in batch.get("element_targets", {}).items()}
    for k in range(len(sizes)):
        yield {
            "inputs": {name: pieces[k] for name, pieces in inputs.items()},
            "targets": {name: pieces[k] for name, pieces in targets.items()},
            **{name: pieces[k] for name, pieces in others.items()},
            **({"element_targets": {name: pieces[k] for name, pieces in of_elements.items()}} if of_elements else {}),
        }


def _pieces(group: Tensor | RaggedBatch | SparseBatch, sizes: list[int], elements: list[int] | None) -> list:
    if isinstance(group, RaggedBatch):
        return list(map(RaggedBatch, group.values.split(elements), group.lengths.split(sizes)))
    if isinstance(group, SparseBatch):
        pieces, first = [], 0
        for size, index, value in zip(sizes, group.index.split(elements), group.value.split(elements), strict=True):
            offsets = group.offsets[first : first + size + 1]
            pieces.append(SparseBatch(index, value, offsets - offsets[0], group.shape))
            first += size
        return pieces
    return list(group.split(sizes))
