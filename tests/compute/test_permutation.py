"""Seeds that never meet: a permutation of any size, which a key decides."""

import numpy as np
import pytest
from scipy import stats

from bevatron.compute.numerics.permutation import permute

PYTHIA = 900_000_000


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 10, 31, 257, 1000, 65_537])
def test_every_place_is_taken_once(limit):
    assert sorted(permute(np.arange(limit), limit, "key").tolist()) == list(range(limit))


@pytest.mark.parametrize("limit", [PYTHIA, 2**31 - 1, 2**32, 2**61 - 1, 2**62])
def test_two_numbers_never_share_a_place(limit):
    random = np.random.default_rng(1)
    numbers = np.unique(np.concatenate([np.arange(100_000), random.integers(0, limit, 100_000), [limit - 1]]))
    places = permute(numbers, limit, 14)
    assert len(np.unique(places)) == len(numbers)
    assert 0 <= places.min() <= places.max() < limit


def test_a_number_s_place_does_not_depend_on_its_company():
    together = permute(np.arange(1000), PYTHIA, "key")
    assert [int(permute(k, PYTHIA, "key")[0]) for k in (0, 17, 999)] == together[[0, 17, 999]].tolist()


def test_neighbours_lie_anywhere_and_keys_are_independent():
    a, b = (permute(np.arange(100_000), PYTHIA, key) for key in (1, 2))
    uniform = stats.uniform(0, PYTHIA).cdf
    for places in (a, b, np.abs(a - b + PYTHIA) % PYTHIA, (np.diff(a) + PYTHIA) % PYTHIA):
        assert stats.kstest(places, uniform).pvalue > 1e-3
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.02
    assert np.mean(a == b) < 1e-4


@pytest.mark.parametrize("numbers", [[-1], [10], np.array([2.0]), np.array([0, 10], np.uint64)])
def test_what_has_no_place_is_refused(numbers):
    with pytest.raises(ValueError, match="whole and from 0 to 9"):
        permute(np.asarray(numbers), 10)
    with pytest.raises(ValueError, match="limit"):
        permute(0, 2**63)
