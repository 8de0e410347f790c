"""Pulls, likelihood and coverage of predicted Gaussians, beside scipy and what must be."""

import numpy as np
import pytest
from scipy import stats

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.gaussian_series import gaussian_series
from bevatron.evaluate.statistics.regression_curves import gaussian_curves
from bevatron.evaluate.statistics.series import measure_series

RNG = np.random.default_rng(4)
N = 20_000
WIDTH = RNG.uniform(0.5, 4.0, N)
MEAN = RNG.normal(50, 10, N)
TARGET = MEAN + WIDTH * RNG.normal(size=N)
BOOTSTRAP = Bootstrap(np.arange(N), 40, "a")


def measured(mean, width, target=TARGET, bootstrap=BOOTSTRAP, confidence=0.68):
    return measure_series(gaussian_series(mean[None], width[None], target, bootstrap), confidence)


def test_the_likelihood_is_scipys():
    found = measured(MEAN + 1, 2 * WIDTH)
    assert found["nll"].value == pytest.approx(-stats.norm(MEAN + 1, 2 * WIDTH).logpdf(TARGET).mean(), rel=1e-9)
    pull = (TARGET - MEAN - 1) / (2 * WIDTH)
    assert found["pull_mean"].value == pytest.approx(pull.mean())
    assert found["pull_width"].value == pytest.approx(pull.std())
    assert found["coverage_1sigma"].value == pytest.approx((np.abs(pull) <= 1).mean())
    assert found["mean_width"].value == pytest.approx(2 * WIDTH.mean())


def test_right_widths_have_normal_pulls():
    found = measured(MEAN, WIDTH)
    for name, expected in (
        ("pull_mean", 0.0),
        ("pull_width", 1.0),
        ("coverage_1sigma", stats.norm.cdf(1) - stats.norm.cdf(-1)),
        ("coverage_2sigma", stats.norm.cdf(2) - stats.norm.cdf(-2)),
    ):
        assert abs(found[name].value - expected) < 4 * found[name].error, name
    assert found["pull_width"].error == pytest.approx(1 / np.sqrt(2 * N), rel=0.5)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 60 test splits of 400 samples the 68 % interval of the pulls' width holds 1 in 41 ± 4: within 4 σ."""
    hits = 0
    for k in range(60):
        rows = slice(300 * k, 300 * (k + 1))
        found = measured(MEAN[rows], WIDTH[rows], TARGET[rows], Bootstrap(np.arange(300) + 1000 * k, 100, "b"))
        hits += found["pull_width"].low <= 1.0 <= found["pull_width"].high
    assert 26 <= hits <= 56


def test_whole_weights_are_repeated_samples():
    times = RNG.integers(0, 4, 500)
    rows = np.repeat(np.arange(500), times)
    weighted = Bootstrap(np.arange(500), 20, "a", times.astype(float))
    found = gaussian_series(MEAN[None, :500], WIDTH[None, :500] * 2, TARGET[:500], weighted)
    again = gaussian_series(
        MEAN[None, rows], WIDTH[None, rows] * 2, TARGET[rows], Bootstrap(np.arange(500)[rows], 20, "a")
    )
    for name, values in found.values.items():
        np.testing.assert_allclose(values[0], again.values[name][0], rtol=1e-9, err_msg=name)


def test_curves_show_the_widths_that_are_found():
    curves = gaussian_curves(np.stack([MEAN, MEAN]), np.stack([WIDTH, WIDTH]), TARGET, BOOTSTRAP, 0.68)
    widths, pulls = curves["widths"], curves["pulls"]
    assert len(widths["predicted"]) == 10
    np.testing.assert_allclose(widths["found"], widths["predicted"], rtol=0.1)
    assert np.all(np.array(widths["low"]) < widths["high"])
    bins = np.diff(pulls["edges"])
    assert np.dot(pulls["density"], bins) == pytest.approx(1 - pulls["outside"])
    np.testing.assert_allclose(np.array(pulls["density"])[25], stats.norm.pdf(0.1), rtol=0.15)


def test_few_samples_and_equal_widths_make_curves_too():
    target, bootstrap = np.array([0.0, 9.0, -9.0]), Bootstrap(np.arange(3), 20, "a")
    curves = gaussian_curves(np.zeros((1, 3)), np.ones((1, 3)), target, bootstrap, 0.68)
    assert curves["pulls"]["outside"] == pytest.approx(2 / 3)
    assert len(curves["widths"]["found"]) == 1
