"""The order of an epoch: a function of (seed, epoch) alone, the same on every machine."""

import numpy as np

from bevatron.config.loading.digest import seed_of


def generator(*key: object) -> np.random.Generator:
    """Random numbers that follow from `key` alone."""
    return np.random.Generator(np.random.Philox(seed_of("order", *key)))


def order_of(n: int, seed: int, epoch: int, *part: object) -> np.ndarray:
    """A permutation of 0 to n - 1, (n,) int64; `part` tells apart several permutations of one epoch."""
    return generator(seed, epoch, *part).permutation(n)


def balanced_length(numbers: np.ndarray) -> int:
    """Samples in a balanced epoch: the number of classes times the size of the largest."""
    counts = np.unique(numbers, return_counts=True)[1]
    return int(len(counts) * counts.max(initial=0))


def balanced_order(numbers: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """Rows of an epoch in which every class is as frequent as the largest, (balanced_length,) int64.

    `numbers` (n,) are the samples' class numbers. A rarer class is gone through in one fresh permutation
    after another until it has as many samples as the largest, so every sample comes at least once and no two
    samples of a class differ by more than one in how often they come. The classes are mixed by a last
    permutation.
    """
    classes, counts = np.unique(numbers, return_counts=True)
    maximum = int(counts.max(initial=0))
    selected = []
    for label, count in zip(classes, counts, strict=True):
        rows, draw = np.flatnonzero(numbers == label), generator(seed, epoch, "class", int(label))
        permutations = [draw.permutation(rows) for _ in range(-(-maximum // count))]
        selected.append(np.concatenate(permutations)[:maximum])
    rows = np.concatenate(selected) if selected else np.zeros(0, np.int64)
    return rows[order_of(len(rows), seed, epoch, "mix")]


def arrange_rows(rows: np.ndarray, numbers: np.ndarray, sample_order: str) -> np.ndarray:
    """Rows (n,) of class numbers (n,), which keep their order within a class, class after class or in turn.

    'sorted': all rows of the first class, then of the second. 'alternating': the first row of each class, then the
    second of each, and so on; a class that has no more is passed over.
    """
    by_class = np.argsort(numbers, kind="stable")
    if sample_order == "sorted":
        return rows[by_class]
    counts = np.unique(numbers, return_counts=True)[1]
    rank = np.empty(len(rows), np.int64)  # of a row within its class
    rank[by_class] = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows[np.lexsort((numbers, rank))]
