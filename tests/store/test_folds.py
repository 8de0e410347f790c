"""Folds: a documented hash of the event's number, even, independent of the split's, and the same in any company."""

import numpy as np
import pytest
from scipy.stats import chi2

from bevatron.raw.split import uniform
from bevatron.store.shards.folds import fold_of, use_of

WORD = 2**64
EVENTS = np.arange(200_000, dtype=np.uint64)


def by_formula(event: int, k: int) -> int:
    """The docstring's formula, in Python's integers."""

    def mix(z: int) -> int:
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % WORD
        z = (z ^ z >> 27) * 0x94D049BB133111EB % WORD
        return z ^ z >> 31

    hashed = mix((mix((event + 0x9E3779B97F4A7C15) % WORD) + 0xD1B54A32D192ED03) % WORD)
    return (hashed >> 32) * k >> 32


def is_even(counts: np.ndarray) -> bool:
    """Whether counts come from equal probabilities, at a level of 10⁻⁶ on either side."""
    expected = counts.sum() / counts.size
    return chi2.cdf(((counts - expected) ** 2 / expected).sum(), counts.size - 1) < 1 - 1e-6


@pytest.mark.parametrize("k", [1, 2, 5, 100])
def test_the_fold_is_that_of_the_formula(k):
    events = [0, 1, 2, 2**32, 2**63, WORD - 1, 123456789123456789]
    assert fold_of(np.array(events, np.uint64), k).tolist() == [by_formula(event, k) for event in events]


def test_negative_numbers_count_by_their_bits():
    assert fold_of(np.array([-1, -5]), 7).tolist() == [by_formula(WORD - 1, 7), by_formula(WORD - 5, 7)]


@pytest.mark.parametrize("k", [2, 3, 10])
@pytest.mark.parametrize("step", [1, 2, 1 << 40])  # event numbers may be even, or begin with a file's number
def test_folds_are_even(k, step):
    folds = fold_of(EVENTS * np.uint64(step), k)
    assert is_even(np.bincount(folds, minlength=k))


def test_the_fold_does_not_depend_on_the_split():
    """All pairs of a fold and a tenth of the hash by which events are divided into splits are as frequent."""
    tenth = (10 * uniform(EVENTS)).astype(int)
    assert is_even(np.bincount(10 * fold_of(EVENTS, 5) + tenth, minlength=50))


def test_six_folds_divide_three():
    assert (fold_of(EVENTS, 6) // 2 == fold_of(EVENTS, 3)).all()


def test_an_event_is_in_its_fold_in_any_company():
    shuffled = np.random.default_rng(3).permutation(EVENTS)
    assert (fold_of(shuffled, 5) == fold_of(EVENTS, 5)[shuffled]).all()
    assert fold_of(EVENTS[617:618], 5) == fold_of(EVENTS, 5)[617]
    assert fold_of(EVENTS[:0], 5).shape == (0,)


@pytest.mark.parametrize(("events", "k"), [(np.array([1.0]), 3), (np.array([True]), 3), (EVENTS, 0)])
def test_what_has_no_fold_is_refused(events, k):
    with pytest.raises(ValueError, match="must be"):
        fold_of(events, k)


def test_each_fold_is_tested_by_those_who_leave_it_out_alone():
    k = 4
    for left_out in range(k):
        uses = {(fold, part): use_of(part, fold, left_out) for fold in range(k) for part in ("train", "val", "test")}
        assert {fold for (fold, _), use in uses.items() if use == "test"} == {left_out}
        assert all(use in (part, None) for (fold, part), use in uses.items() if fold != left_out)
        assert not any(use for (fold, part), use in uses.items() if fold != left_out and part == "test")
    assert {use_of(part, fold, None) for fold in range(k) for part in ("train", "val", "test")} == {"test"}
