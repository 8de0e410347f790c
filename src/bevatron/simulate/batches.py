"""Batches of raw samples, joined into those of a shard."""

from dataclasses import replace
from typing import Any

import numpy as np

from bevatron.store.shards.columns import Dense, Group, Ragged, Samples


class Batches:
    """Samples joined batch by batch: a batch is copied when it is added, so that memory holds its values once.

    count: batches that were added; its length is that of all samples.
    """

    def __init__(self) -> None:
        self._first: Samples | None = None
        self.count = 0
        self._arrays: dict[tuple[str, str], _Rows] = {}

    def __len__(self) -> int:
        return len(self._arrays["id", ""].values) if self.count else 0

    def add(self, samples: Samples) -> None:
        """The samples come after those before. Raises TypeError for other columns than dense or ragged ones, or for
        both in one group.
        """
        arrays = _arrays_of(samples)
        self.count += 1
        if self._first is None:
            # What groups and targets are, and no rows: those would stay in memory.
            self._first = samples.take(np.zeros(0, np.int64))
        for key, values in arrays.items():
            if key in self._arrays:
                self._arrays[key].add(values)
            else:
                self._arrays[key] = _Rows(values)

    def joined(self, attributes: dict[str, Any]) -> Samples:
        """All samples that were added, at least one batch."""
        if self._first is None:
            raise ValueError("no batch was added")
        arrays = {key: rows.values for key, rows in self._arrays.items()}
        first = self._first
        return Samples(
            {name: replace(group, column=_column(name, group, arrays)) for name, group in first.inputs.items()},
            {name: arrays["targets", name] for name in first.targets},
            arrays["id", ""],
            arrays.get(("weight", "")),
            attributes,
            observers={name: arrays["observers", name] for name in first.observers},
            parts=first.parts,
            element_targets={
                name: replace(target, values=arrays["element_targets", name])
                for name, target in first.element_targets.items()
            },
            optional=first.optional,
        )


def concatenate_samples(parts: list[Samples], attributes: dict[str, Any]) -> Samples:
    """The samples of all parts, in their order; at least one part. Raises TypeError as `Batches.add` does."""
    batches = Batches()
    for part in parts:
        batches.add(part)
    return batches.joined(attributes)


class _Rows:
    """An array that grows at its end; a large one in its place, as the system moves its pages and copies nothing."""

    def __init__(self, values: np.ndarray):
        self.values = values.copy()

    def add(self, values: np.ndarray) -> None:
        if self.values.dtype != np.result_type(self.values, values):
            self.values = np.concatenate([self.values, values])
            return
        n = len(self.values)
        self.values.resize((n + len(values), *self.values.shape[1:]), refcheck=False)
        self.values[n:] = values


def _arrays_of(samples: Samples) -> dict[tuple[str, str], np.ndarray]:
    arrays = {}
    for name, group in samples.inputs.items():
        match group.column:
            case Dense(values):
                arrays["dense", name] = values
            case Ragged(values, _):
                arrays["elements", name], arrays["lengths", name] = values, group.column.lengths
            case _:
                raise TypeError("only dense or only ragged columns can be joined")
    arrays |= {("targets", name): values for name, values in samples.targets.items()}
    arrays |= {("element_targets", name): target.values for name, target in samples.element_targets.items()}
    arrays |= {("observers", name): values for name, values in samples.observers.items()}
    arrays["id", ""] = samples.id
    if samples.weight is not None:
        arrays["weight", ""] = samples.weight
    return arrays


def _column(name: str, group: Group, arrays: dict[tuple[str, str], np.ndarray]) -> Dense | Ragged:
    if ("dense", name) in arrays and ("elements", name) in arrays:
        raise TypeError("only dense or only ragged columns can be joined")
    if isinstance(group.column, Dense):
        return Dense(arrays["dense", name])
    offsets = np.concatenate([[0], np.cumsum(arrays["lengths", name])]).astype(np.int64)
    return Ragged(arrays["elements", name], offsets)
