"""Batches of raw samples, joined into those of a shard."""

from typing import Any

import numpy as np

from bevatron.store.shards.columns import Dense, Group, Ragged, Samples


def concatenate_samples(parts: list[Samples], attributes: dict[str, Any]) -> Samples:
    """The samples of all parts, in their order; at least one part. Raises TypeError for other columns than dense
    or ragged ones.
    """
    inputs = {name: _concatenate_groups([part.inputs[name] for part in parts]) for name in parts[0].inputs}
    targets = {name: np.concatenate([part.targets[name] for part in parts]) for name in parts[0].targets}
    weights = [part.weight for part in parts if part.weight is not None]
    return Samples(
        inputs,
        targets,
        np.concatenate([part.id for part in parts]),
        np.concatenate(weights) if weights else None,
        attributes,
        observers={name: np.concatenate([part.observers[name] for part in parts]) for name in parts[0].observers},
        parts=parts[0].parts,
    )


def _concatenate_groups(groups: list[Group]) -> Group:
    columns = [group.column for group in groups]
    dense = [column for column in columns if isinstance(column, Dense)]
    ragged = [column for column in columns if isinstance(column, Ragged)]
    if len(dense) == len(columns):
        joined = Dense(np.concatenate([column.values for column in dense]))
    elif len(ragged) == len(columns):
        lengths = np.concatenate([column.lengths for column in ragged])
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        joined = Ragged(np.concatenate([column.values for column in ragged]), offsets)
    else:
        raise TypeError("only dense or only ragged columns can be joined")
    return Group(joined, groups[0].features, groups[0].units, groups[0].definitions)
