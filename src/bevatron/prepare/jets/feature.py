"""A feature with its unit and its definition, which go into the shards' attributes."""

from typing import NamedTuple

import numpy as np

from bevatron.store.shards.columns import Dense, Group, Ragged


class Feature(NamedTuple):
    """name, unit ('' for a pure number) and what it is, in words."""

    name: str
    unit: str
    definition: str


def make_group(column: Dense | Ragged, features: tuple[Feature, ...]) -> Group:
    """An input group of these features; the values as float32."""
    values = column.values.astype(np.float32)
    stored = Dense(values) if isinstance(column, Dense) else Ragged(values, column.offsets, column.max_length)
    names, units, definitions = (tuple(column) for column in zip(*features, strict=True))
    return Group(stored, names, units, definitions)
