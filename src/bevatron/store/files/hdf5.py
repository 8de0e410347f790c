"""HDF5 objects as the types that they are: h5py says of an object in a file only that it is one of several kinds.

Each function raises TypeError for an object of another kind, which `shard.refusing` turns into a UserError.
"""

from typing import Any

import h5py
import numpy as np


def as_group(node: object) -> h5py.Group:
    """The object as a group."""
    if not isinstance(node, h5py.Group):
        raise TypeError(f"found {_kind(node)}, expected a group")
    return node


def as_dataset(node: object) -> h5py.Dataset:
    """The object as a dataset."""
    if not isinstance(node, h5py.Dataset):
        raise TypeError(f"found {_kind(node)}, expected a dataset")
    return node


def group_at(group: h5py.Group, name: str) -> h5py.Group:
    """The group at a path below `group`; KeyError where nothing is."""
    return as_group(group[name])


def dataset_at(group: h5py.Group, name: str) -> h5py.Dataset:
    """The dataset at a path below `group`; KeyError where nothing is."""
    return as_dataset(group[name])


def read_array(group: h5py.Group, name: str) -> np.ndarray:
    """All values of the dataset at a path below `group`, an array of the dataset's shape and number type."""
    return np.asarray(_values(dataset_at(group, name)))


def attribute(node: h5py.Group | h5py.Dataset, name: str) -> Any:
    """An attribute's value, of any type; KeyError where it is not set."""
    return node.attrs[name]


def attribute_if_set(node: h5py.Group | h5py.Dataset, name: str) -> Any:
    """An attribute's value, None where it is not set: `attrs.get` is None also where the disk reports an error."""
    return node.attrs[name] if name in node.attrs else None  # noqa: SIM401


def _values(dataset: h5py.Dataset) -> Any:
    return dataset[()]


def _kind(node: object) -> str:
    """What the object is, in words."""
    if isinstance(node, h5py.Group):
        return "a group"
    if isinstance(node, h5py.Dataset):
        return "a dataset"
    return "a named type" if isinstance(node, h5py.Datatype) else "no HDF5 object"
