"""Whether a training was still improving when it ended."""

import math

import numpy as np
import pytest

from bevatron.report.results.convergence import FEWEST, gained_late, was_improving


def rows(losses, every=10):
    return [{"step": str((k + 1) * every), "val_loss": str(loss)} for k, loss in enumerate(losses)]


@pytest.mark.parametrize("lifetimes", [1, 2, 3.0, 3.5, 8])
def test_an_exponential_has_converged_after_three_lifetimes(lifetimes):
    """exp(-t/τ) from 0 to T gains exp(-0.75 T/τ) of all that it would gain after three quarters."""
    t = np.linspace(0, lifetimes, 2001)
    history = rows(0.3 + np.exp(-t))
    expected = (np.exp(-0.75 * lifetimes) - np.exp(-lifetimes)) / (1 - np.exp(-lifetimes))
    assert math.isclose(gained_late(history), expected, rel_tol=0.01)
    assert was_improving([history]) == (lifetimes < 3.25)


def test_a_straight_fall_gains_a_quarter():
    assert math.isclose(gained_late(rows(np.linspace(2, 1, 401))), 0.25, rel_tol=0.02)


def test_overfitting_is_no_improvement():
    assert gained_late(rows([2.0, 1.0, 0.8, 0.9, 1.2, 1.5, 1.9, 2.5])) == 0
    assert gained_late(rows([1.0, 1.2, 1.5, 1.9, 2.5])) == 0


@pytest.mark.parametrize("n", range(1, FEWEST))
def test_too_few_validations_show_nothing(n):
    assert math.isnan(gained_late(rows([1.0] * n)))
    assert was_improving([rows([1.0] * n)])


def test_half_of_the_trainings_are_enough():
    falling, flat = rows(np.linspace(2, 1, 40)), rows([2.0] + [1.0] * 39)
    assert was_improving([falling, flat])
    assert not was_improving([falling, flat, flat])
    assert not was_improving([])
