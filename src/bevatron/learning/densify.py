"""Batches as the store delivers them to inputs as a network takes them, on the device where they lie."""

from typing import Any

from bevatron.models.inputs import InputGroup, Inputs, Padded
from bevatron.store.batch import RaggedBatch, SparseBatch, images, padded
from bevatron.store.manifest import Manifest


def input_groups(manifest: Manifest, groups: list[str]) -> dict[str, InputGroup]:
    """The shapes a network must be built for, in the order of `groups`."""
    found = {}
    for name in groups:
        info = manifest.groups[name]
        if info.layout == "ragged":
            found[name] = InputGroup((info.max_length, len(info.features)), tuple(info.features), listed=True)
        else:
            found[name] = InputGroup(tuple(info.shape), tuple(info.features))
    return found


def densified(inputs: dict[str, Any], groups: dict[str, InputGroup]) -> Inputs:
    """Dense tensors for every group: lists padded to the longest of the dataset, sparse images filled in."""
    dense: Inputs = {}
    for name, group in groups.items():
        column = inputs[name]
        if isinstance(column, RaggedBatch):
            dense[name] = Padded(*padded(column, group.shape[0]))
        elif isinstance(column, SparseBatch):
            dense[name] = images(column)
        else:
            dense[name] = column
    return dense
