"""Cross-validation: which fold an event falls into, and which shards are what to the networks of a fold.

The events are cut into k folds by a hash of their number. The networks of fold f are tested on the events of fold f,
and learn from the others, of which a part steers the fit: all shards are on disk once, and each fold has a manifest of
its own, in which its own shards are the test split.
"""

import numpy as np

from bevatron.store.mixing import GOLDEN_GAMMA, mix

STREAM = np.uint64(0xD1B54A32D192ED03)  # added between two mixings: folds are independent of the split's hash
HALF = np.uint64(32)


def fold_of(events: np.ndarray, k: int) -> np.ndarray:
    """The fold, 0 to k - 1, of each event: (n,) int64. It depends on the event's number and on k alone.

    events: (n,) integers, each event's number; negative ones by their bits. With the mixer m of SplitMix64 (Steele,
    Lea, Flood 2014) and sums modulo 2⁶⁴, h = m(m(event + 0x9E3779B97F4A7C15) + 0xD1B54A32D192ED03), and the fold is
    ((h >> 32) k) >> 32, in integers. Published results depend on it: it never changes for a given version of folds
    (`config.loading.code_versions`). Raises ValueError for events that are no integers and for k below 1.
    """
    numbers = np.asarray(events)
    if numbers.dtype.kind not in "iu":
        raise ValueError(f"numbers of events must be integers, found {numbers.dtype}")
    if not 1 <= k < 2**31:
        raise ValueError(f"the number of folds must be 1 at least, found {k}")
    if numbers.dtype.kind == "i":
        numbers = numbers.astype(np.int64).view(np.uint64)
    hashed = mix(mix(numbers.astype(np.uint64) + GOLDEN_GAMMA) + STREAM)
    return (((hashed >> HALF) * np.uint64(k)) >> HALF).astype(np.int64)


def use_of(part: str, fold: int, left_out: int | None) -> str | None:
    """The split that a part of a fold is in, in the manifest that leaves a fold out (None: in that of all folds); None
    where it is in none.
    """
    if left_out is None or fold == left_out:
        return "test"
    return None if part == "test" else part
