"""What a shard says of its groups and targets beside their values: HDF5 attributes."""

import json
from contextlib import suppress
from typing import Any

import h5py
import numpy as np

from bevatron.store.files.hdf5 import as_dataset, as_group, dataset_at, read_array
from bevatron.store.shards.columns import Dense, Group, Ragged, SparseImages
from bevatron.store.shards.contract import ElementTargetInfo, GroupInfo, TargetInfo


def describe_group(node: h5py.Group | h5py.Dataset, group: Group) -> None:
    """Writes what a group has beside its values into the attributes of its node."""
    layout = {Dense: "dense", Ragged: "ragged", SparseImages: "sparse"}[type(group.column)]
    described = {"layout": layout, "features": list(group.features), "units": list(group.units)}
    if group.definitions:
        described["definitions"] = list(group.definitions)
    if isinstance(group.column, Ragged) and group.column.max_length is not None:
        described["max_length"] = group.column.max_length
    if isinstance(group.column, SparseImages):
        described["shape"] = list(group.column.shape)
    for name, value in described.items():
        node.attrs[name] = encode_attribute(value)


def group_info(node: h5py.Group | h5py.Dataset) -> GroupInfo:
    """What the attributes and the datasets of a group say."""
    attributes = {name: decode_attribute(value) for name, value in node.attrs.items()}
    layout, longest = attributes["layout"], None
    if layout == "dense":
        values = as_dataset(node)
        shape = values.shape[1:]
    else:
        group = as_group(node)
        values = dataset_at(group, "values" if layout == "ragged" else "value")
        shape = values.shape[1:] if layout == "ragged" else attributes["shape"]
        longest = int(np.diff(read_array(group, "offsets")).max(initial=0))
        longest = max(longest, int(attributes.get("max_length", 0)))
    features, units = attributes["features"], attributes["units"]
    return GroupInfo(
        layout=layout,
        features=features,
        units=units,
        definitions=attributes.get("definitions", ()),
        shape=shape,
        max_length=longest,
        dtype=str(values.dtype),
    )


def target_info(node: h5py.Dataset) -> TargetInfo:
    """What the attributes of a target of samples say."""
    parts = decode_attribute(node.attrs["parts"]) if "parts" in node.attrs else ()
    optional = decode_attribute(node.attrs["optional"]) if "optional" in node.attrs else False
    return TargetInfo(dtype=str(node.dtype), shape=node.shape[1:], parts=tuple(parts), optional=optional)


def element_target_info(node: h5py.Dataset) -> ElementTargetInfo:
    """What the attributes of a target of elements say."""
    classes = decode_attribute(node.attrs["classes"]) if "classes" in node.attrs else ()
    group = decode_attribute(node.attrs["group"])
    return ElementTargetInfo(group=group, dtype=str(node.dtype), classes=tuple(classes))


def encode_attribute(value: Any) -> Any:
    """An attribute of fixed size: HDF5 keeps texts of free length apart, without a checksum."""
    if isinstance(value, dict):
        value = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if isinstance(value, str):
        raw = value.encode()
        return np.array(raw, h5py.string_dtype("utf-8", max(1, len(raw))))
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        raws = [item.encode() for item in value]
        return np.array(raws, h5py.string_dtype("utf-8", max([1, *map(len, raws)])))
    return np.asarray(value)


def decode_attribute(value: Any) -> Any:
    """The value that `encode_attribute` was given, of an attribute as h5py reads it."""
    if isinstance(value, bytes):
        text = value.decode()
        with suppress(ValueError):  # a text that merely starts with a brace
            return json.loads(text) if text.startswith("{") else text
        return text
    if isinstance(value, np.ndarray) and value.dtype.kind == "S":
        return [item.decode() for item in value.tolist()]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
