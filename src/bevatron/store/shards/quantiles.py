"""An even part of many numbers, small enough for memory, from which quantiles are taken.

Element p of a sample with the hash h is kept at level j where p + h is a multiple of 2^j. The level is the smallest at
which no more than a limit are kept, so that the part depends on the numbers and their ids alone, not on the order of
shards or on who read them; every number is as likely to be kept as any other, and those of one sample are kept at even
distances. A quantile of n kept numbers that are independent lies within 0.5 / sqrt(n) of its place (one standard
deviation, as a fraction of all); at least about half of the limit are kept where any is left out.
"""

import numpy as np

BLOCK = 1 << 16  # elements looked at together
MAX_LEVEL = 31


def hashes_of(ids: np.ndarray) -> np.ndarray:
    """(n,) uint32, evenly spread over the ids (n,) uint64 (the finaliser of splitmix64, Steele et al. 2014)."""
    mixed = ids.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= np.uint64(factor)
    return (mixed >> np.uint64(32)).astype(np.uint32)


class Thinned:
    """At most `limit` elements of features that are kept in step, of all that were added."""

    def __init__(self, limit: int):
        self.limit, self.level, self.count = limit, 0, 0
        self._pieces: list[tuple[np.ndarray, np.ndarray]] = []  # keys (m,), values (m, features)

    def add(self, values: np.ndarray, keys: np.ndarray) -> None:
        """Values (n, k, features); keys (n,) uint32, where element (i, p) has the key keys[i] + p."""
        n, k, features = values.shape
        step = max(1, BLOCK // max(1, k))
        for i in range(0, n, step):
            part, all_keys = values[i : i + step], keys[i : i + step, None] + np.arange(k, dtype=np.uint32)
            selected = self._is_selected(all_keys)
            if selected.any():
                self._pieces.append((all_keys[selected], part[selected].reshape(-1, features)))
                self.count += len(self._pieces[-1][0])
            while self.count > self.limit and self.level < MAX_LEVEL:
                self._thin()

    def feature(self, number: int) -> np.ndarray:
        """The kept numbers of one feature, in float64."""
        return np.concatenate([np.zeros(0), *(values[:, number] for _, values in self._pieces)], dtype=np.float64)

    def _is_selected(self, keys: np.ndarray) -> np.ndarray:
        return (keys & np.uint32((1 << self.level) - 1)) == 0

    def _thin(self) -> None:
        self.level += 1
        for i, (keys, values) in enumerate(self._pieces):  # one after the other, as all together are large
            selected = self._is_selected(keys)
            self._pieces[i] = keys[selected], values[selected]
        self._pieces = [piece for piece in self._pieces if len(piece[0])]
        self.count = sum(len(keys) for keys, _ in self._pieces)
