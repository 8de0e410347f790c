"""The variance between trainings, moderated over a study's models."""

import numpy as np
import pytest
from scipy import stats

from bevatron.report.claims.seed_variance import PRIOR_DEGREES, moderate_variance, prior_degrees


def test_many_equal_variances_are_found_again():
    """4000 models of one true variance: the prior is that variance, and the moderated one close to it."""
    rng = np.random.default_rng(1)
    variances = 9.0 * rng.chisquare(1, 4000)
    moderated = [moderate_variance(own, 2, variances) for own in variances[:200]]
    own_part = np.array([(m.degrees * m.value - variances[k]) / (m.degrees - 1) for k, m in enumerate(moderated)])
    assert np.allclose(own_part, own_part[0])  # what comes from the others is the same for all
    expected = 9.0 * stats.chi2.median(1) / stats.f.median(1, 4)  # the prior takes variances to be spread by 4 degrees
    assert np.isclose(own_part[0], expected, rtol=0.06)
    assert np.isclose(moderated[0].degrees, 1 + PRIOR_DEGREES, rtol=0.01)


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_a_prior_of_its_own_kind_is_unbiased(runs):
    """Variances drawn as the prior says: its scale is found again."""
    rng = np.random.default_rng(2)
    true = 2.5 * 4 / rng.chisquare(4, 20_000)
    variances = true * rng.chisquare(runs - 1, len(true)) / (runs - 1)
    found = moderate_variance(0.0, runs, variances)
    assert np.isclose(found.value * found.degrees / (found.degrees - runs + 1), 2.5, rtol=0.06)
    assert np.isclose(prior_degrees(variances, runs - 1), 4.0, rtol=0.15)


def test_few_models_moderate_nothing():
    found = moderate_variance(0.3, 3, np.array([0.3, 0.1, 0.2]))
    assert (found.value, found.degrees) == (0.3, 2)


def test_a_bound_says_nothing_of_others():
    """Models whose accuracy is 1 in every training do not shrink the variance of those that vary."""
    varying = np.array([1.0, 2.0, 0.5, 1.5, 0.7])
    with_zeros = moderate_variance(1.0, 3, np.concatenate([varying, np.zeros(20)]))
    assert with_zeros == moderate_variance(1.0, 3, varying)
    assert moderate_variance(0.0, 3, varying).value > 0


def test_variances_of_different_orders_are_hardly_drawn_together():
    spread = 10.0 ** np.arange(-12, 12)
    assert prior_degrees(spread, 1) < 0.5
    found = moderate_variance(1e6, 2, spread)
    assert found.degrees < 1.5
    assert found.value > 0.6e6


def test_one_wild_model_does_not_move_the_others():
    calm = np.linspace(0.5, 2.0, 15)
    wild = moderate_variance(1.0, 3, np.append(calm, 1e4))
    assert np.isclose(wild.value, moderate_variance(1.0, 3, np.append(calm, 2.0)).value, rtol=0.35)


def test_fewer_models_count_less():
    rng = np.random.default_rng(3)
    degrees = [moderate_variance(1.0, 2, rng.chisquare(4, n) / 4).degrees for n in (4, 8, 16, 64, 1000)]
    assert degrees == sorted(degrees)
    assert degrees[0] < 2.5
    assert degrees[-1] > 4.9
