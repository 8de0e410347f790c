"""Generated particles of many events, as flat arrays."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Particles:
    """The full records of a batch of events, entries of one event after the other.

    offsets (n_events + 1,) cut the entries into events. pdg_id, status, mother, daughter (total,): Pythia's
    codes; mother and daughter count entries of the same event (0: none), of the first mother and the first
    daughter. px, py, pz, energy (total,) in GeV. vertex (total, 3): point of production in mm, (0, 0, 0) at
    the collision.
    """

    offsets: np.ndarray
    pdg_id: np.ndarray
    status: np.ndarray
    mother: np.ndarray
    daughter: np.ndarray
    px: np.ndarray
    py: np.ndarray
    pz: np.ndarray
    energy: np.ndarray
    vertex: np.ndarray

    @property
    def events(self) -> int:
        """Number of events."""
        return len(self.offsets) - 1

    @property
    def event(self) -> np.ndarray:
        """The event of each entry, (total,) counted from 0."""
        return np.repeat(np.arange(self.events), np.diff(self.offsets))


def is_one_of(numbers: np.ndarray, few: tuple[int, ...]) -> np.ndarray:
    """Whether each of `numbers` (n,) is among a few, (n,) bool; faster than `numpy.isin`, which sorts the numbers."""
    found = numbers == few[0]
    for number in few[1:]:
        found |= numbers == number
    return found
