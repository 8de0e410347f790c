"""Orders are permutations, independent from epoch to epoch; balanced ones are fair to every sample."""

import numpy as np
import pytest

from bevatron.store.readers.order import balanced_length, balanced_order, order_of


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_permutation(n):
    assert np.array_equal(np.sort(order_of(n, 1, 2)), np.arange(n))


def test_places_are_uniform_and_epochs_independent():
    """Over 2000 epochs each sample comes first about equally often: chi-squared with 9 degrees of freedom."""
    first = np.array([order_of(10, 7, epoch)[0] for epoch in range(2000)])
    counts = np.bincount(first, minlength=10)
    assert ((counts - 200) ** 2 / 200).sum() < 27.9  # probability 0.001
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.1


@pytest.mark.parametrize("counts", [[5], [7, 7], [100, 33, 1], [1, 2, 50]])
def test_balanced(counts):
    numbers = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)) * 3, counts))
    rows = balanced_order(numbers, 1, 2)
    assert len(rows) == balanced_length(numbers) == len(counts) * max(counts)
    assert set(np.unique(numbers[rows], return_counts=True)[1]) == {max(counts)}
    for label in np.unique(numbers):
        times = np.bincount(rows, minlength=len(numbers))[numbers == label]
        assert times.min() >= 1
        assert times.max() - times.min() <= 1


def test_balanced_order_of_nothing():
    assert len(balanced_order(np.zeros(0, np.int64), 1, 1)) == balanced_length(np.zeros(0, np.int64)) == 0
