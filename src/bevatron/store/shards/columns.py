"""The three layouts of the HDF5 contract, in memory: dense arrays, ragged lists, sparse images.

The first axis of every column is the sample. Ragged and sparse columns stay so on disk and in host memory.
Networks read lists as they are; sparse images become dense on the device that learns from them
(`bevatron.store.readers.batch`).
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Dense:
    """One array of the same shape for every sample: values (n, *shape)."""

    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> "Dense":
        """The samples at `rows` (integer indices), in that order."""
        return Dense(self.values[rows])


def feature_axis(values: np.ndarray) -> int:
    """The axis of a dense column along which its features lie: the last, or the channels of images (n, c, h, w)."""
    return 1 if values.ndim == 4 else -1


@dataclass(frozen=True)
class Ragged:
    """A list of elements for each sample: values (total, n_features), offsets (n + 1,) int64 from 0.

    max_length: the longest that a list can be, where what makes the lists cuts them there; else the longest there is
    counts. Networks and variations of the data are made for lists of that length.
    """

    values: np.ndarray
    offsets: np.ndarray
    max_length: int | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Elements of each sample, (n,) int64."""
        return np.diff(self.offsets)

    def take(self, rows: np.ndarray) -> "Ragged":
        """The samples at `rows` (integer indices), in that order."""
        elements, offsets = elements_of(rows, self.offsets)
        return Ragged(self.values[elements], offsets, self.max_length)


@dataclass(frozen=True)
class SparseImages:
    """Images that are zero almost everywhere.

    index (total,) int32 counts pixels in C order of `shape` = (channels, height, width) and rises within each sample,
    so that no pixel stands twice; value (total,) is their content; offsets (n + 1,) int64 with offsets[0] = 0 cut both
    into samples.
    """

    index: np.ndarray
    value: np.ndarray
    offsets: np.ndarray
    shape: tuple[int, int, int]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: np.ndarray) -> "SparseImages":
        """The samples at `rows` (integer indices), in that order."""
        elements, offsets = elements_of(rows, self.offsets)
        return SparseImages(self.index[elements], self.value[elements], offsets, self.shape)


Column = Dense | Ragged | SparseImages


@dataclass(frozen=True)
class Group:
    """An input group: its column, the names and units of its features, and perhaps what each of them is, in words.

    The features are the last axis of a dense or ragged column, and the channels of sparse images and of dense images
    (n, channels, height, width).
    """

    column: Column
    features: tuple[str, ...]
    units: tuple[str, ...]
    definitions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.column)

    def take(self, rows: np.ndarray) -> "Group":
        """The samples at `rows` (integer indices), in that order; names and units stay."""
        return Group(self.column.take(rows), self.features, self.units, self.definitions)


@dataclass(frozen=True)
class ElementTarget:
    """A target with a number for each element of `group`, a group of lists, or for each stored pixel of sparse images;
    the group's offsets cut it into samples too.

    values (total,): signed integers, in the order of the group's elements. With `classes`, their names in the order of
    their numbers, a value is a class number, or -1 where an element has no class to learn. Without, it is the number of
    what the element comes from (a vertex), counted in each sample by itself, and negative where it comes from none.
    """

    group: str
    values: np.ndarray
    classes: tuple[str, ...] = ()

    def take(self, elements: np.ndarray) -> "ElementTarget":
        """The values at `elements` (integer indices), in that order."""
        return ElementTarget(self.group, self.values[elements], self.classes)


@dataclass(frozen=True)
class Samples:
    """What a shard holds: inputs by group, targets by name (n, ...), id (n,) uint64, perhaps weight (n,), and perhaps
    event (n,) uint64, the number of the event that a sample is of, where several samples may share one. observers (n,)
    by name go with the samples into the predictions, and no network reads them. parts: by target, the names of the
    numbers along its last axis, where they have names. element_targets: targets of the elements of lists, or of the
    pixels of sparse images, by name. optional: names of the targets in which NaN says that a sample has no such number;
    they serve auxiliary tasks alone.
    """

    inputs: dict[str, Group]
    targets: dict[str, np.ndarray]
    id: np.ndarray
    weight: np.ndarray | None = None
    attributes: dict[str, object] = field(default_factory=dict)
    event: np.ndarray | None = None
    observers: dict[str, np.ndarray] = field(default_factory=dict)
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    element_targets: dict[str, ElementTarget] = field(default_factory=dict)
    optional: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.id)

    def take(self, rows: np.ndarray) -> "Samples":
        """The samples at `rows` (integer indices), in that order."""
        groups = {target.group for target in self.element_targets.values()}
        elements = {name: elements_of(rows, offsets_of(self.inputs[name].column))[0] for name in groups}
        return Samples(
            {name: group.take(rows) for name, group in self.inputs.items()},
            {name: target[rows] for name, target in self.targets.items()},
            self.id[rows],
            None if self.weight is None else self.weight[rows],
            self.attributes,
            None if self.event is None else self.event[rows],
            {name: values[rows] for name, values in self.observers.items()},
            self.parts,
            {name: target.take(elements[target.group]) for name, target in self.element_targets.items()},
            self.optional,
        )


def offsets_of(column: Column) -> np.ndarray:
    """What cuts a column of lists or of sparse images into samples, (n + 1,) int64; raises TypeError for another."""
    if isinstance(column, Dense):
        raise TypeError("only a group of lists or of sparse images has elements with targets")
    return column.offsets


def n_elements(column: Column) -> int:
    """Elements of all lists, or stored pixels of all images; raises TypeError as `offsets_of`."""
    return int(offsets_of(column)[-1])


def elements_of(rows: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions of all elements of the samples at `rows`, and the offsets that cut them into samples."""
    lengths = offsets[1:][rows] - offsets[:-1][rows]
    cut = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths, out=cut[1:])
    elements = np.arange(cut[-1]) + np.repeat(offsets[:-1][rows] - cut[:-1], lengths)
    return elements, cut
