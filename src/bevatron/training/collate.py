"""Batches as the store delivers them to inputs as a network takes them, on the device where they lie."""

from typing import Any

import torch

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.store.readers.batch import ImageBuffer, RaggedBatch, SparseBatch, images, select_lists
from bevatron.store.shards.manifest import Manifest

PIXELS_AT_ONCE = 2**24  # 64 MB; what a network makes of them takes some ten times that


def input_groups(manifest: Manifest, groups: list[str]) -> dict[str, InputGroup]:
    """The shapes a network must be built for, in the order of `groups`."""
    input_shapes = {}
    for name in groups:
        info = manifest.groups[name]
        if info.layout == "ragged" and info.max_length is not None:
            input_shapes[name] = InputGroup((info.max_length, len(info.features)), tuple(info.features), is_ragged=True)
        else:
            input_shapes[name] = InputGroup(tuple(info.shape), tuple(info.features))
    return input_shapes


def reads_sparse(kind: str) -> bool:
    """Whether an architecture reads sparse images as they are stored, and not filled in."""
    return bool(getattr(ARCHITECTURES[kind], "SPARSE", False))


def rows_at_once(groups: dict[str, InputGroup], maximum: int) -> int:
    """How many samples to predict at a time, up to `maximum`: fewer of large images, which become dense."""
    pixels = sum(group.size for group in groups.values() if len(group.shape) == 3 and not group.is_ragged)
    return max(1, min(maximum, PIXELS_AT_ONCE // max(pixels, 1)))


class Collate:
    """Inputs of a batch, as the store delivers them, to what a network reads, on a device.

    Lists stay as they are, without padding; sparse images are filled in, images laid channels last where asked for.
    Images are drawn into memory that is used again: they stay valid until the next call. Where the batch is on the
    device already, lists and dense groups stay in the reader's memory, and valid until the reader's next batch; so do
    sparse images with `sparse`, of an architecture that reads them so.
    """

    def __init__(
        self, groups: dict[str, InputGroup], device: torch.device, channels_last: bool = False, sparse: bool = False
    ):
        self.groups, self.device, self.channels_last, self.sparse = groups, device, channels_last, sparse
        self._canvases: dict[str, ImageBuffer] = {}

    def __call__(self, inputs: dict[str, Any]) -> Inputs:
        """The columns of the groups as dense tensors or lists on the device."""
        dense: dict[str, Any] = {}  # of an architecture with `SPARSE` also sparse images
        for name, group in self.groups.items():
            column = move_to_device(inputs[name], self.device)
            if isinstance(column, SparseBatch) and not self.sparse:
                dense[name] = images(column, self._canvases.setdefault(name, ImageBuffer()), self.channels_last)
            elif self.channels_last and isinstance(column, torch.Tensor) and len(group.shape) == 3:
                dense[name] = column.contiguous(memory_format=torch.channels_last)
            else:
                dense[name] = column
        return dense


def move_to_device(value: Any, device: torch.device) -> Any:
    """A tensor, or a named tuple of tensors and plain values, on `device`; as it is where it lies there already."""
    if isinstance(value, torch.Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(move_to_device(part, device) for part in value))
    return value


def select_samples(batch: dict[str, Any], indices: torch.Tensor) -> dict[str, Any]:
    """The samples `indices` (n,) int64 of a batch whose inputs are those of a network."""
    others = {key: value for key, value in batch.items() if key not in ("inputs", "targets", "element_targets")}
    rows = {key: value[indices] if isinstance(value, torch.Tensor) else value for key, value in others.items()}
    inputs = {
        name: select_lists(group, indices) if isinstance(group, RaggedBatch) else group[indices]
        for name, group in batch["inputs"].items()
    }
    if "element_targets" in batch:
        rows["element_targets"] = {n: select_lists(target, indices) for n, target in batch["element_targets"].items()}
    return {**rows, "inputs": inputs, "targets": {name: target[indices] for name, target in batch["targets"].items()}}
