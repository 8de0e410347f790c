"""How many samples of each class a fit uses, which ones, and in which order they come."""

import numpy as np
import pytest

from bevatron.store.readers.order import arrange_rows
from bevatron.store.readers.sampling import PLAIN, Sampling, quotas


@pytest.mark.parametrize(
    ("counts", "fractions", "samples", "wanted"),
    [
        ({0: 500, 1: 500}, {0: 100, 1: 1}, None, {0: 500, 1: 5}),  # the class that runs out first limits the others
        ({0: 5000, 1: 20}, {0: 100, 1: 1}, None, {0: 2000, 1: 20}),
        ({0: 50, 1: 50}, {0: 100, 1: 1}, None, {0: 50, 1: 1}),  # half a sample, but a fraction is one at least
        ({0: 500, 1: 500, 2: 500}, {0: 2, 2: 1}, None, {0: 500, 1: 0, 2: 250}),
        ({0: 500, 1: 500}, {0: 3, 1: 1}, 100, {0: 75, 1: 25}),
        ({0: 600, 1: 300}, None, 90, {0: 60, 1: 30}),
        ({0: 10, 1: 10, 2: 10}, None, 10, {0: 4, 1: 3, 2: 3}),  # rounded, but ten of them
        ({0: 10, 1: 10}, None, 1000, {0: 10, 1: 10}),
    ],
)
def test_quotas(counts, fractions, samples, wanted):
    assert quotas(counts, fractions, samples) == wanted


def test_arranged_by_hand():
    rows, numbers = np.array([10, 11, 12, 13, 14, 15]), np.array([1, 0, 1, 1, 0, 1])
    assert arrange_rows(rows, numbers, "sorted").tolist() == [11, 14, 10, 12, 13, 15]
    assert arrange_rows(rows, numbers, "alternating").tolist() == [11, 10, 14, 12, 13, 15]


def test_fewer_samples_are_among_the_more_and_another_seed_draws_others():
    numbers = np.random.default_rng(0).integers(0, 2, 1000)
    few, many, other = (
        set(Sampling("c", samples=n).rows(1000, numbers, seed, 0, True)) for n, seed in ((100, 1), (300, 1), (100, 2))
    )
    assert few < many
    assert len(few & other) < 30


def test_the_plain_sampling_says_nothing_and_a_target_alone_changes_nothing():
    numbers = np.arange(50) % 3
    assert PLAIN.words == Sampling("c").words == []
    assert np.array_equal(PLAIN.rows(50, None, 1, 2, True), Sampling("c").rows(50, numbers, 1, 2, True))


def test_length_is_that_of_the_rows_for_every_seed():
    numbers = np.random.default_rng(1).choice(3, 700, p=[0.7, 0.2, 0.1])
    for sampling in (
        Sampling("c", balanced=True),
        Sampling("c", balanced=True, samples=99),
        Sampling("c", balanced=True, class_ratio=((0, 5.0), (2, 1.0)), samples=60),
        Sampling("c", class_ratio=((0, 5.0), (1, 1.0))),
    ):
        lengths = {len(sampling.rows(700, numbers, seed, 1, True)) for seed in range(5)}
        assert lengths == {sampling.length(700, numbers)}
