"""Numbers shuffled one to one: seeds for generators that take too few bits to draw seeds at random."""

import numpy as np

from bevatron.config.loading.digest import seed_of
from bevatron.store.mixing import mix

ROUNDS = 6
LARGEST = 2**62


def permute(numbers: np.ndarray | int, limit: int, *key: object) -> np.ndarray:
    """The places (n,) int64, from 0 to limit - 1, of `numbers` (n,) in a permutation that follows from `key`.

    Two numbers never share a place. Seeds that are drawn at random do, once there are more than about sqrt(limit) of
    them: of 32 bits, 77,000 are enough for even odds. A Feistel network over the next even number of bits (M. Luby and
    C. Rackoff, SIAM J. Comput. 17 (1988) 373), gone through again until the place is below the limit (J. Black and P.
    Rogaway, CT-RSA 2002, "cycle walking"). Raises ValueError for a number outside of 0 to limit - 1 and for a limit
    beyond 2⁶².
    """
    requested = np.atleast_1d(np.asarray(numbers))
    if not 1 <= limit <= LARGEST:
        raise ValueError(f"a limit of {limit} is not between 1 and 2^62")
    if requested.dtype.kind not in "iu" or (requested < 0).any() or (requested >= limit).any():
        raise ValueError(f"numbers to permute must be whole and from 0 to {limit - 1}")
    half = np.uint64(((limit - 1).bit_length() + 1) // 2)
    keys = [np.uint64(seed_of("permutation", *key, number)) for number in range(ROUNDS)]
    positions = _shuffle(requested.astype(np.uint64), half, keys)
    while len(outside := np.flatnonzero(positions >= np.uint64(limit))):
        positions[outside] = _shuffle(positions[outside], half, keys)
    return positions.astype(np.int64)


def _shuffle(numbers: np.ndarray, half: np.uint64, keys: list[np.uint64]) -> np.ndarray:
    """A permutation of all numbers of twice `half` bits: each round can be undone, whatever `mix` is."""
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = numbers >> half, numbers & mask
    for key in keys:
        left, right = right, left ^ (mix(right + key) & mask)
    return (left << half) | right
