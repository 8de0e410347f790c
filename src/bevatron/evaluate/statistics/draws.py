"""How often each event is drawn in each bootstrap replica: a function of the event alone, so nothing is stored."""

import numpy as np

# Of 65,536 equally likely numbers, how many stand for at least 1, 2, 3, ... draws: Poisson's distribution of mean 1.
AT_LEAST = (41_427, 17_317, 5_263, 1_244, 240, 39, 5, 1)
GOLDEN = 0x9E3779B97F4A7C15
_ROWS = 256  # whose draws fit into the processor's cache


def keys_of(events: np.ndarray, seed: int) -> np.ndarray:
    """Where the random stream of each event (n,) uint64 starts: (n,) uint64, another for every event."""
    return _mix(_mix(events.astype(np.uint64)) ^ np.uint64(seed))


def draws(keys: np.ndarray, first: int, last: int) -> np.ndarray:
    """How often replicas `first` to `last` - 1 draw each event: (n, last - first) uint8.

    Each event's stream is SplitMix64's (G. Steele, D. Lea and C. Flood, OOPSLA 2014) from its key on; a number of 64
    bits serves four replicas.
    """
    groups = np.arange(first // 4 + 1, -(-last // 4) + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    cut = slice(first % 4, first % 4 + last - first)
    result = np.empty((len(keys), last - first), np.uint8)
    for start in range(0, len(keys), _ROWS):
        numbers = _mix(keys[start : start + _ROWS, None] + groups).astype("<u8", copy=False).view("<u2")
        counts = np.zeros(numbers.shape, np.uint8)
        hit = np.empty(numbers.shape, bool)
        for limit in AT_LEAST:
            counts += np.less(numbers, np.uint16(limit), out=hit).view(np.uint8)
        result[start : start + _ROWS] = counts[:, cut]
    return result


def _mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's mixer, a one-to-one mapping of uint64; `x` is overwritten."""
    shifted = x >> np.uint64(30)
    x ^= shifted
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= np.right_shift(x, np.uint64(27), out=shifted)
    x *= np.uint64(0x94D049BB133111EB)
    x ^= np.right_shift(x, np.uint64(31), out=shifted)
    return x
