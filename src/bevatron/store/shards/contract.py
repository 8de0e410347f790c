"""Names and numbers of the HDF5 contract that shards, manifests and readers share.

A shard holds `/inputs/<group>`, `/targets/<name>`, `/id`, perhaps `/weight`, perhaps `/event`, which is equal for
samples that are not independent, the jets of one event, and perhaps `/observers/<name>`, which go with the samples and
are read by no network; the first axis is the sample.
A dense group is one dataset. A ragged group is an HDF5 group with `values` and `offsets`; a sparse one has
`index`, `value` and `offsets`, and the attribute `shape`. Attributes of a group: `layout`, `features`,
`units`, and perhaps `definitions`. A target of several numbers may have the attribute `parts`: their names; one with
the attribute `optional` is NaN for a sample that has no such number.

`/element_targets/<name>` is a target of the elements of a ragged group, or of the stored pixels of a sparse one: one
signed integer for each of them, in the order of the group's `values` or `value`, whose `offsets` cut it into samples
too. Its attribute `group` names the group. With the
attribute `classes`, names in the order of their numbers, a value is a class number, or -1 for an element that has no
class to learn; without, the number of what the element comes from, counted within its sample, and negative where it
comes from none.
"""

from math import prod
from typing import Literal

from pydantic import Field

from bevatron.store.records.record import Record, YesNo

SCHEMA_VERSION = 2
SPLITS = ("train", "val", "test")
INDICATOR_OF = "1 where {feature} is missing"  # definition of a feature that says so of the one before it
TOTALS = "totals"  # attribute of a shard: the identity of the sums over all raw shards that it was made with

Layout = Literal["dense", "ragged", "sparse"]


class GroupInfo(Record):
    """What is known of an input group without reading its data."""

    layout: Layout = Field(description="how the group is stored")
    features: tuple[str, ...] = Field(description="names along the last axis, or of the images' and images' channels")
    units: tuple[str, ...] = Field(description="units of the features, '' or '1' for pure numbers")
    definitions: tuple[str, ...] = Field(default=(), description="what each feature is, in words; none given: empty")
    shape: tuple[int, ...] = Field(
        description="of one sample (dense), of one element (ragged), (channels, height, width) (sparse)"
    )
    max_length: int | None = Field(default=None, description="most elements (ragged) or pixels (sparse) in one sample")
    dtype: str = Field(description="number type of the values, in numpy's words")


class TargetInfo(Record):
    """What is known of a target without reading its data."""

    dtype: str = Field(description="number type, in numpy's words")
    shape: tuple[int, ...] = Field(description="of one sample; () for a number")
    parts: tuple[str, ...] = Field(
        default=(), description="names of the numbers along the last axis; empty for one number, and where none has one"
    )

    optional: YesNo = Field(default=False, description="whether it is NaN for a sample that has no such number")

    @property
    def n_numbers(self) -> int:
        """How many numbers a sample has of it."""
        return prod(self.shape)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each number of a target of the shape (k,): those given, or '1' to 'k'; of one number none."""
        return self.parts or tuple(str(k + 1) for k in range(self.shape[0] if len(self.shape) == 1 else 0))


class ElementTargetInfo(Record):
    """What is known of a target of elements without reading its data."""

    group: str = Field(description="the group of lists or sparse images whose elements it is of")
    dtype: str = Field(description="number type, in numpy's words")
    classes: tuple[str, ...] = Field(
        default=(), description="class names in the order of their numbers; none: numbers of what elements come from"
    )
