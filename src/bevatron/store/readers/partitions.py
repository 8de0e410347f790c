"""Canonical partitions: which samples of an epoch each of several workers needs, whatever their number.

An epoch has C partitions, contiguous ranges of the split. Its sample i comes from partition i mod C. Worker w of W gets
the samples i with i mod W = w, so it needs the partitions p with p mod gcd(W, C) = w mod gcd(W, C): 1/W of the split
where W divides C. Nothing else depends on W, so the batches are the same for every W.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import NamedTuple

import numpy as np

MIN_ROWS = 256  # samples of a partition; those of a small one come at nearly the same place in every epoch


class Part(NamedTuple):
    """Which samples of an epoch a reader delivers: number, number + of, number + 2 of, and so on."""

    number: int = 0
    of: int = 1

    def partitions(self, count: int) -> range:
        """The partitions, of `count`, from which these samples come."""
        step = gcd(self.of, count)
        return range(self.number % step, count, step)

    def before(self, position: int) -> int:
        """How many of the epoch's first `position` samples are of this part."""
        return (position - self.number + self.of - 1) // self.of

    def shifted(self, first: int) -> "Part":
        """The same part of an epoch's samples from `first` on, counted from there."""
        return Part((self.number - first) % self.of, self.of)


WHOLE = Part()


@dataclass(frozen=True)
class Partitions:
    """`n` samples in `count` contiguous ranges, whose lengths differ by one at most.

    The ranges lie in such an order that those of one worker are neighbours, for every number of workers in the series
    2, 4, 8, ... that divides `count`: workers share few chunks of a file.
    """

    n: int
    count: int

    def size(self, partition: int) -> int:
        """Samples of a partition."""
        return self.n // self.count + (partition < self.n % self.count)

    @cached_property
    def starts(self) -> list[int]:
        """First sample of each partition, by its number."""
        starts, at = [0] * self.count, 0
        for partition in file_sequence(self.count):
            starts[partition] = at
            at += self.size(partition)
        return starts

    def ranges(self, partitions: Iterable[int]) -> list[tuple[int, int]]:
        """First and last (excluded) sample of the ranges that the partitions fill together, rising."""
        merged: list[tuple[int, int]] = []
        for start, stop in sorted((self.starts[p], self.starts[p] + self.size(p)) for p in partitions):
            if merged and merged[-1][1] == start:
                start = merged.pop()[0]
            if start < stop:
                merged.append((start, stop))
        return merged

    def offsets(self, partitions: Sequence[int]) -> list[int]:
        """Where each of the partitions begins in memory that holds their `ranges` alone, one after another."""
        offsets, at = dict.fromkeys(partitions, 0), 0
        for partition in sorted(partitions, key=lambda p: (self.starts[p], self.size(p))):
            offsets[partition] = at
            at += self.size(partition)
        return list(offsets.values())


def partition_count(n: int, requested: int) -> int:
    """Partitions of a split of `n` samples: those requested, or as many fewer (a divisor) as `MIN_ROWS` asks for."""
    limit = max(1, min(requested, n // MIN_ROWS))
    return next(count for count in range(limit, 0, -1) if requested % count == 0)


def file_sequence(count: int) -> list[int]:
    """The partitions in the order of their ranges: numbers with equal remainders by 2, 4, 8, ... are neighbours."""
    if count == 1:
        return [0]
    factor = next(f for f in range(2, count + 1) if count % f == 0)
    return [first + factor * partition for first in range(factor) for partition in file_sequence(count // factor)]


def interleave(orders: Sequence[np.ndarray], part: Part, count: int) -> np.ndarray:
    """Rows of the part's samples, (n,) int64, from the orders of its partitions (of `count`), by rising number.

    Sample i of the epoch is row i // count of the order of partition i mod count.
    """
    rows = np.empty(sum(map(len, orders)), np.int64)
    for first, order in enumerate(orders):
        rows[first :: len(orders)] = order
    step = gcd(part.of, count)
    return rows[part.number // step :: part.of // step]
