"""Metrics of a regression whose answers are known."""

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.tasks.regression import regression_curves, regression_metrics

RNG = np.random.default_rng(9)
N = 20_000
X = RNG.uniform(-10, 10, N)
TRUTH = X**2
TARGET = TRUTH + 5 * RNG.standard_normal(N)
BOOTSTRAP = Bootstrap(np.arange(N), 40, "a")


def _metrics(*predictions):
    found = regression_metrics(np.stack(predictions), TARGET, TRUTH, BOOTSTRAP, 0.68)
    return {name: m.value for name, m in found.items()}


def test_the_truth_leaves_the_noise_and_nothing_else():
    found = _metrics(TRUTH)
    assert found["deviation"] == 0.0
    assert found["rmse_over_noise"] == 1.0
    assert abs(found["noise"] - 5.0) < 0.1
    assert abs(found["residual_mean"]) < 0.15


def test_the_best_constant_has_the_relative_deviation_one():
    found = _metrics(np.full(N, TRUTH.mean()))
    assert np.isclose(found["relative_deviation"], 1.0)
    assert abs(found["deviation"] - np.sqrt(10**4 * (1 / 5 - 1 / 9))) < 0.5  # of x² over x uniform in ±10


def test_a_shift_is_a_deviation_and_a_mean_residual():
    found = _metrics(TRUTH + 3.0)
    assert np.isclose(found["deviation"], 3.0)
    assert np.isclose(found["residual_mean"], (TARGET - TRUTH).mean() - 3.0)
    assert np.isclose(found["residual_std"], (TARGET - TRUTH).std())
    assert np.isclose(found["rmse"] ** 2, found["residual_mean"] ** 2 + found["residual_std"] ** 2)


def test_no_truth_no_deviation():
    found = regression_metrics(TRUTH[None], TARGET, None, BOOTSTRAP, 0.68)
    assert set(found) == {"rmse", "mse", "r2", "residual_mean", "residual_std"}


def test_without_noise_there_is_no_ratio_to_it():
    found = regression_metrics(TRUTH[None] + 1, TRUTH, TRUTH, BOOTSTRAP, 0.68)
    assert found["rmse_over_noise"].value is None
    assert np.isclose(found["deviation"].value, 1.0)


def test_curves_hold_what_the_plots_need():
    curves = regression_curves(np.stack([TRUTH, TRUTH + 1]), TARGET, TRUTH, X)
    assert np.all(np.diff(curves["fit"]["x"]) >= 0)
    assert np.allclose(curves["deviation"]["rms"][0], 0.0)
    assert np.allclose(curves["deviation"]["rms"][1], 1.0)
    inside = 1 - curves["residuals"]["outside"]
    assert np.isclose(sum(curves["residuals"]["model"]), N * inside)
