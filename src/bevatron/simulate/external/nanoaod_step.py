"""Some events of a NanoAOD file: flat columns of jets and vertices, and every odd branch in one line."""

from pathlib import Path
from typing import Any

import numpy as np

from bevatron.errors import UserError


class EventStep:
    """Consecutive events of one file; columns are flat, one value for each jet or vertex of all of them.

    events: awkward arrays by branch; first: the number of the first event in the file.
    """

    def __init__(self, events: Any, path: Path, number: int, first: int):
        self.events, self.path, self.number, self.first = events, path, number, first
        self._counts: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.events)

    @property
    def place(self) -> str:
        """Which events these are, for messages."""
        return f"{self.path}, events {self.first} to {self.first + len(self) - 1}"

    def counts(self, collection: str) -> np.ndarray:
        """How many jets ('Jet') or vertices ('SV') each event has, (events,) int64."""
        if collection not in self._counts:
            self._counts[collection] = self._lengths(f"{collection}_pt")
        return self._counts[collection]

    def flat(self, branch: str) -> np.ndarray:
        """The branch's values. Raises UserError for one that has no value for each jet or vertex."""
        import awkward as ak

        lengths, expected = self._lengths(branch), self.counts(branch.partition("_")[0])
        if (differs := np.flatnonzero(lengths != expected)).size:
            event = differs[0]
            what = f"'{branch}' has {lengths[event]} values in event {self.first + event}, and "
            what += f"'{branch.partition('_')[0]}_pt' has {expected[event]}"
            raise UserError(self.path, what, "the file is damaged, or the branch belongs to something else")
        values = ak.to_numpy(ak.flatten(self.events[branch]))
        if values.dtype.kind not in "biuf":
            raise UserError(self.path, f"'{branch}' holds no numbers", "choose another branch")
        return values

    def integers(self, branch: str) -> np.ndarray:
        """The same as int64. Raises UserError for what is no integer of 64 bits."""
        values = self.flat(branch)
        if values.dtype.kind == "f" or values.dtype == np.uint64:
            wrong = ~(np.abs(values) < 2.0**63)
            wrong |= values != np.floor(values)
            if wrong.any():
                raise UserError(f"{self.path}: {branch}", f"found {values[wrong][0]}, which is no integer", "")
        return values.astype(np.int64)

    def _lengths(self, branch: str) -> np.ndarray:
        import awkward as ak

        column = self.events[branch]
        if column.ndim != 2 or not isinstance(ak.type(column).content, ak.types.ListType):
            what = f"'{branch}' is no list of numbers in each event: {ak.type(column).content}"
            raise UserError(self.path, what, "choose another branch")
        return ak.to_numpy(ak.num(column)).astype(np.int64)
