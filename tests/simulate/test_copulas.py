"""Sets of points: every feature is standard normal in every class, and the densities are those that were drawn from."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal

from bevatron.simulate.copulas import draw_crossed, draw_linear, log_ratio_crossed, log_ratio_linear
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.copulas import CLASSES, Copulas


def simulated(seed=1, **options):
    return Copulas().simulate(Copulas.Options(kind="copulas", **options), 0, ShardSeed.of(str(seed), 0))[0]


def of_class(samples, name):
    """The points (total, features) of all sets of a class."""
    x = samples.inputs["points"].column.values.reshape(len(samples), -1, len(samples.inputs["points"].features))
    return x[samples.targets["class"] == CLASSES.index(name)].reshape(-1, x.shape[2]).astype(float)


@pytest.fixture(scope="module")
def sets():
    return simulated(events=300, linear=0.3, crossed=0.7)


@pytest.mark.parametrize("name", CLASSES)
def test_features_are_standard_normal_one_by_one(sets, name):
    for x in of_class(sets, name).T:
        assert kstest(x, "norm").pvalue > 0.001


def test_correlations_are_those_asked_for(sets):
    error = 4 / np.sqrt(10_000)
    for name, rho in (("independent", 0.0), ("linear", 0.3), ("crossed", 0.0)):
        found = np.corrcoef(of_class(sets, name).T)[np.triu_indices(3, 1)]
        assert np.all(np.abs(found - rho) < 1.6 * error), name


def test_squares_are_correlated_where_features_are_not(sets):
    """x² and y² of a normal distribution have the correlation ρ², and signs do not change squares."""
    found = np.corrcoef(of_class(sets, "crossed").T ** 2)[np.triu_indices(3, 1)]
    np.testing.assert_allclose(found, 0.49, atol=0.08)
    assert np.abs(np.corrcoef(of_class(sets, "independent").T ** 2)[np.triu_indices(3, 1)]).max() < 0.05


@pytest.mark.parametrize("features", [2, 3, 5])
def test_likelihood_ratios_are_those_of_the_densities(features):
    rho, x = 0.4, np.random.default_rng(1).standard_normal((20, features)) * 1.5
    covariance = (1 - rho) * np.eye(features) + rho
    nothing = multivariate_normal(np.zeros(features)).logpdf(x)
    linear = multivariate_normal(np.zeros(features), covariance).logpdf(x)
    np.testing.assert_allclose(log_ratio_linear(x, rho), linear - nothing)
    densities = [
        multivariate_normal(np.zeros(features), np.outer(s, s) * covariance).pdf(x)
        for s in product((-1, 1), repeat=features)
    ]
    np.testing.assert_allclose(log_ratio_crossed(x, rho), np.log(np.mean(densities, axis=0)) - nothing)


@pytest.mark.parametrize(("draw", "ratio"), [(draw_linear, log_ratio_linear), (draw_crossed, log_ratio_crossed)])
def test_a_ratio_has_the_mean_1_where_it_does_not_hold(draw, ratio):
    """The mean of p / q over q is 1, and over p that of q / p."""
    random = np.random.default_rng(2)
    weights = np.exp(ratio(random.standard_normal((100_000, 3)), 0.2))
    assert weights.mean() == pytest.approx(1.0, abs=4 * weights.std() / np.sqrt(len(weights)))
    inverse = np.exp(-ratio(draw(random, 100_000, 3, 0.2), 0.2))
    assert inverse.mean() == pytest.approx(1.0, abs=4 * inverse.std() / np.sqrt(len(inverse)))


def test_a_set_s_ratio_is_the_sum_over_its_points(sets):
    x = sets.inputs["points"].column
    found = sets.inputs["likelihood"].column.values
    for k in (0, 1, 2, 299):
        points = x.values[x.offsets[k] : x.offsets[k + 1]].astype(float)
        expected = [log_ratio_linear(points, 0.3).sum(), log_ratio_crossed(points, 0.7).sum()]
        np.testing.assert_allclose(found[k], expected, rtol=1e-4, atol=1e-4)


def test_a_shard_follows_from_its_seed():
    first, again, other = (simulated(seed, events=6).inputs["points"].column.values for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_correlation_the_classes_are_the_same():
    assert np.abs(simulated(events=6, linear=0.0, crossed=0.0).inputs["likelihood"].column.values).max() < 1e-6
