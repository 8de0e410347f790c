"""What a training has lost at its end: nothing where all moments are alike, although the best is chosen."""

import numpy as np
import pytest

from bevatron.evaluate.inspection.steadiness import lost_distance, lost_loss
from bevatron.evaluate.statistics.two_samples import halves_of


def test_nothing_is_lost_where_all_moments_are_equally_good():
    """The lowest of six equals is below the last by chance; the other half of the images does not see that."""
    lost, chosen_and_measured = [], []
    for k in range(120):
        random = np.random.default_rng([30, k])
        losses = random.standard_exponential((6, 200))
        lost.append(lost_loss(losses, np.ones((200, 1)))[0])
        chosen_and_measured.append(losses[-1].mean() / losses.mean(1).min() - 1.0)
    assert np.mean(chosen_and_measured) > 0.08
    assert abs(np.mean(lost)) < 4 * np.std(lost) / np.sqrt(120) + 0.02  # a ratio of means has a bias of 1/n


def test_what_is_lost_is_found():
    random = np.random.default_rng(31)
    losses = random.standard_exponential((5, 4000)) * np.array([3.0, 1.0, 2.0, 2.0, 1.5])[:, None]
    assert lost_loss(losses, np.ones((4000, 1)))[0] == pytest.approx(0.5, abs=0.1)
    assert lost_loss(losses[:2], np.ones((4000, 1)))[0] == 0.0  # the last is the best


def test_a_generator_that_drifts_away_has_lost():
    """Means 1, 0.5 and 1 away from the real ones, of equal widths: squares 1 over 0.25."""
    random = np.random.default_rng(32)
    real = random.standard_normal((6000, 2))
    generated = [random.standard_normal((6000, 2)) + np.array([away, 0.0]) for away in (2.0, 0.5, 1.0)]
    once = np.ones((6000, 1))
    assert lost_distance(halves_of(real, once), generated, once)[0] == pytest.approx(3.0, rel=0.15)
    assert lost_distance(halves_of(real, once), generated[:2], once)[0] == 0.0


def test_the_error_has_the_uncertainty_of_the_choice():
    """Two equal moments: replicas choose one or the other, and do not say that nothing was lost for certain."""
    random = np.random.default_rng(33)
    losses = random.standard_exponential((2, 400))
    found = lost_loss(losses, random.poisson(1.0, (400, 200)))
    assert 0.2 < (found == 0.0).mean() < 0.95
    assert found.std() > 0.02
    generated = [random.standard_normal((400, 2)) + 0.3 for _ in range(2)]
    draws = [random.poisson(1.0, (400, 200)) for _ in range(2)]
    found = lost_distance(halves_of(random.standard_normal((400, 2)), draws[0]), generated, draws[1])
    assert np.isfinite(found).all()
    assert found.std() > 0.0
