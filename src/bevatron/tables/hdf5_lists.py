"""Lists in HDF5: tables whose rows are the elements of events, one event after another, and their numbers of rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bevatron.errors import UserError
from bevatron.tables.own_values import reason_to_refuse
from bevatron.tables.table import Column


@dataclass(frozen=True)
class ListTable:
    """One such table. offsets: where the rows of each event begin, and the end, (events + 1,) int64; places: by column
    the dataset and which of its numbers in each row, None for the only one.
    """

    offsets: np.ndarray
    places: dict[str, tuple[h5py.Dataset, int | None]]

    def columns(self) -> dict[str, Column]:
        """The columns, each a list of numbers an event."""
        mean = max(1, round(int(self.offsets[-1]) / max(1, len(self.offsets) - 1)))
        return {
            name: Column("list", dataset.dtype.newbyteorder("=").name, length=mean)
            for name, (dataset, _) in self.places.items()
        }

    def read(self, name: str, start: int, stop: int) -> Any:
        """The lists of the events start to stop (excluded), as an awkward array."""
        import awkward as ak

        dataset, part = self.places[name]
        first, last = int(self.offsets[start]), int(self.offsets[stop])
        values = dataset[first:last] if part is None else dataset[first:last, part]
        flat = np.ascontiguousarray(values.reshape(-1), dtype=values.dtype.newbyteorder("="))
        return ak.unflatten(flat, np.diff(self.offsets[start : stop + 1]))


def open_lists(group: h5py.Group, prefix: str, counts: str, n_events: int, path: Path) -> ListTable:
    """The table in `group`: columns `prefix.name`, or `prefix.name.0` and so on where a row has several numbers.

    counts: the dataset in the group that says how many rows the events have: a number for each event, or pairs of an
    event's number and its count, without the events that have none. Raises UserError where it does not fit.
    """
    own = {name for name in map(str, group) if isinstance(group.get(name, getlink=True), h5py.HardLink)}
    dataset = group[counts] if counts in own else None  # and not what a link leads to
    if not isinstance(dataset, h5py.Dataset):
        raise UserError(path, f"has no dataset '{counts}' in '{prefix}'", f"it has: {', '.join(sorted(own))}")
    if reason := reason_to_refuse(dataset):
        raise UserError(path, f"'{prefix}/{counts}' {reason}", "see what wrote the file")
    offsets = _offsets(dataset, n_events, f"'{prefix}/{counts}'", path)
    places: dict[str, tuple[h5py.Dataset, int | None]] = {}
    for name, column in _columns(group, own - {counts}):
        if len(column) != offsets[-1]:
            continue  # of another table
        if column.ndim == 1 or column.shape[1] == 1:
            places[f"{prefix}.{name}"] = column, None
        else:
            places |= {f"{prefix}.{name}.{part}": (column, part) for part in range(column.shape[1])}
    if not places:
        what = f"'{prefix}' has no column with the {offsets[-1]} rows that '{counts}' counts"
        raise UserError(path, what, "the file is damaged or cut short: fetch it again")
    return ListTable(offsets, places)


def _columns(group: h5py.Group, names: set[str]) -> Iterator[tuple[str, h5py.Dataset]]:
    for name in sorted(names):
        column = group[name]
        if not isinstance(column, h5py.Dataset) or column.ndim not in (1, 2) or column.dtype.kind not in "biuf":
            continue
        if not reason_to_refuse(column):
            yield name, column


def _offsets(dataset: h5py.Dataset, n_events: int, name: str, path: Path) -> np.ndarray:
    numbers = np.asarray(dataset[()])
    if numbers.dtype.kind not in "iu" or numbers.ndim > 2 or (numbers.ndim == 2 and numbers.shape[1] > 2):
        what = f"{name} holds {numbers.dtype} of shape {numbers.shape}, which are no numbers of rows"
        raise UserError(path, what, "name a count for each event, or pairs of event and count")
    numbers = numbers.astype(np.int64)
    counts = np.zeros(n_events, np.int64)
    if numbers.ndim == 2 and numbers.shape[1] == 2:
        events, found = numbers[:, 0], numbers[:, 1]
        if len(events) and (events[0] < 0 or events[-1] >= n_events or (np.diff(events) <= 0).any()):
            what = f"{name} does not name events from 0 to {n_events - 1} in rising order"
            raise UserError(path, what, "see what wrote the file")
        counts[events] = found
    elif numbers.size == n_events:
        counts[:] = numbers.reshape(-1)
    else:
        raise UserError(path, f"{name} has {numbers.size} counts for {n_events} events", "see what wrote the file")
    if (counts < 0).any():
        raise UserError(path, f"{name} has a count of {counts.min()}", "see what wrote the file")
    return np.concatenate([[0], np.cumsum(counts)])
