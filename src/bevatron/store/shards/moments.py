"""Count, mean, spread and range of the features of one table of numbers, in float64 and little memory."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

NUMBERS = 1 << 18  # converted to float64 at a time: 2 MB, which stay in the processor's cache
TOGETHER = 512  # elements turned around at a time
TURNED = 1 << 23  # a table of no more numbers is turned around as a whole, once for both sums


@dataclass
class Moments:
    """mean, m2 (sum of squared distances from the mean), low and high: (features,) float64; of none 0, inf."""

    count: int
    mean: np.ndarray
    m2: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def merge(self, new: "Moments") -> "Moments":
        """Those of both together (Chan, Golub and LeVeque 1979)."""
        if new.count == 0:
            return self
        n, m = self.count, new.count
        shift = new.mean - self.mean
        return Moments(
            n + m,
            self.mean + shift * m / (n + m),
            self.m2 + (new.m2 + shift * shift * n * m / (n + m)),
            np.minimum(self.low, new.low),
            np.maximum(self.high, new.high),
        )


def moments_of(values: np.ndarray) -> Moments:
    """Of the features, the last axis of values (n, k, features), over all others."""
    n, k, features = values.shape
    low, high = np.full(features, np.inf), np.full(features, -np.inf)
    if n * k == 0:
        return Moments(0, np.zeros(features), np.zeros(features), low, high)

    if values.size <= TURNED:
        values = _block(values, 0, n * k).T[:, None, :]

    def sum_and_limits(block: np.ndarray) -> np.ndarray:
        np.minimum(low, block.min(axis=1), out=low)
        np.maximum(high, block.max(axis=1), out=high)
        return block.astype(np.float64, order="C").sum(axis=1)

    mean = _sum_halves(values, 0, n * k, sum_and_limits) / (n * k)

    def squares(block: np.ndarray) -> np.ndarray:
        distances = block.astype(np.float64, order="C")
        distances -= mean[:, None]
        distances *= distances
        return distances.sum(axis=1)

    return Moments(n * k, mean, _sum_halves(values, 0, n * k, squares), low, high)


def _sum_halves(values: np.ndarray, start: int, stop: int, part: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The sum over all elements, halved as numpy halves a sum, so that it has the bits of a sum over all at once."""
    n = stop - start
    if n <= max(256, NUMBERS // values.shape[2]):
        return part(_block(values, start, stop))
    half = n // 2 - n // 2 % 8
    return _sum_halves(values, start, start + half, part) + _sum_halves(values, start + half, stop, part)


def _block(values: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Elements start to stop of (n, k, features), as (features, stop - start)."""
    k, features = values.shape[1:]
    if k == 1 and values.strides[0] == values.itemsize:
        return values[start:stop, 0].T  # it lies so already
    first, last = start // k, -(-stop // k)
    out = np.empty((features, last - first, k), values.dtype)
    step = max(1, TOGETHER // k)
    for i in range(0, last - first, step):
        out[:, i : i + step] = values[first + i : min(first + i + step, last)].transpose(2, 0, 1)
    return out.reshape(features, -1)[:, start - first * k : stop - first * k]
