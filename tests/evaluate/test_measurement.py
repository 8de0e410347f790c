"""Errors and intervals: formulas, coverage, and numbers that do not exist."""

import numpy as np
import pytest
from scipy.stats import binomtest

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import measure, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (7, 20), (20, 20), (450, 1000)])
def test_wilson_is_scipys(hits, n):
    low, high = wilson(hits / n, n, 0.9)
    expected = binomtest(hits, n).proportion_ci(0.9, "wilson")
    assert np.allclose([low, high], [expected.low, expected.high], atol=1e-12)


def test_error_joins_test_split_and_seeds():
    replicas = np.random.default_rng(1).normal(0, 0.3, 5000)
    seeds = [np.concatenate([[value], value + replicas]) for value in (1.0, 2.0, 4.0)]
    found = measure(seeds, 0.68)
    assert np.isclose(found.value, 7 / 3)
    assert np.isclose(found.seed_std, np.std([1, 2, 4], ddof=1))
    assert np.isclose(found.error, np.sqrt(replicas.std(ddof=1) ** 2 + found.seed_std**2 / 3))
    assert found.per_seed == (1.0, 2.0, 4.0)


def test_shares_have_the_binomial_error():
    found = measure([np.full(101, 0.3)], 0.68, n_binomial=200)
    assert np.isclose(found.error, np.sqrt(0.3 * 0.7 / 200))
    assert np.allclose((found.low, found.high), wilson(0.3, 200, 0.68))


def test_one_seed_has_no_spread():
    found = measure([np.random.default_rng(2).normal(size=50)], 0.68)
    assert found.seed_std is None
    assert found.error > 0


def test_numbers_that_do_not_exist_are_none():
    found = measure([np.array([np.inf, 3.0, 4.0]), np.array([1.0, 2.0, 3.0])], 0.68)
    assert found.value is None
    assert found.error is None
    assert found.per_seed == (None, 1.0)


def test_intervals_cover_as_often_as_they_say():
    rng, covered, toys = np.random.default_rng(3), 0, 400
    for toy in range(toys):
        found = measure([Bootstrap(np.arange(200), 150, str(toy)).mean(rng.exponential(1.0, 200))], 0.68)
        covered += found.low < 1.0 < found.high
    assert abs(covered / toys - 0.68) < 0.08  # the binomial error of 400 toys is 0.023
