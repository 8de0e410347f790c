"""Clouds have the means and covariances of the study, and the best line's accuracy is the closed form's."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import ndtr

from bevatron.config.loading.kinds import RECIPES, SOURCES
from bevatron.simulate.shard_seed import ShardSeed

MEANS, COVARIANCE = [[-0.5, 0.5], [1.5, 0.5]], [[1.0, 0.6], [0.6, 1.0]]


@pytest.fixture(scope="module")
def raw():
    options = SOURCES["gaussians"].Options(kind="gaussians", train=100, val=50, test=50_000)
    return SOURCES["gaussians"]().simulate(options, 0, ShardSeed.of("7", 0))[0]


def prepared(raw, **clouds):
    options = RECIPES["gaussians"].Options(kind="gaussians", clouds={"cloud": clouds})
    return RECIPES["gaussians"]().prepare(options, raw, 0, np.ones(len(raw), bool))


def test_as_many_points_of_each_class_and_split_as_asked(raw):
    for split, n in enumerate((100, 50, 50_000)):
        mine = raw.targets["class"][raw.targets["split"] == split]
        assert np.bincount(mine).tolist() == [n, n]


def test_means_and_covariances_within_their_errors(raw):
    other = [[2.0, -0.3], [-0.3, 0.5]]
    samples = prepared(raw, means=MEANS, covariances=[COVARIANCE, other])
    x, label = samples.inputs["cloud"].column.values, samples.targets["class"]
    for number, covariance in enumerate((COVARIANCE, other)):
        mine, n = x[label == number].astype(np.float64), np.sum(label == number)
        error = np.sqrt(np.diag(covariance) / n)
        assert np.all(np.abs(mine.mean(axis=0) - MEANS[number]) < 4 * error)
        assert np.allclose(np.cov(mine.T), covariance, atol=4 * 2 * np.sqrt(2 / n))


def test_the_best_line_is_right_as_often_as_the_closed_form_says(raw):
    """Along Σ⁻¹(μ₁ - μ₀) with the threshold midway, Φ(Δ/2) of the points are right: 0.89435 in the study's claims."""
    samples = prepared(raw, means=MEANS, covariances=[COVARIANCE])
    x, label = samples.inputs["cloud"].column.values, samples.targets["class"]
    apart = np.subtract(*MEANS[::-1])
    w = np.linalg.solve(COVARIANCE, apart)
    expected = ndtr(np.sqrt(apart @ w) / 2)
    right = np.mean((x @ w > w @ np.mean(MEANS, axis=0)) == label)
    assert expected == pytest.approx(0.89435, abs=5e-6)
    assert abs(right - expected) < 4 * np.sqrt(expected * (1 - expected) / len(label))


@pytest.mark.parametrize("covariances", [[[[1, 0.5], [0.4, 1]]], [[[1, 2], [2, 1]]], [COVARIANCE] * 3])
def test_what_is_no_covariance_is_refused(covariances):
    with pytest.raises(ValidationError, match="covariances: "):
        RECIPES["gaussians"].Options(kind="gaussians", clouds={"c": {"means": MEANS, "covariances": covariances}})
