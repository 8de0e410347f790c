"""Reliability diagrams of predictions whose calibration is known."""

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.calibration import expected_calibration_error, reliability


def _calibrated(n: int = 20_000):
    rng = np.random.default_rng(6)
    p = rng.uniform(0, 1, n)
    return p, rng.uniform(0, 1, n) < p


def test_calibrated_predictions_lie_on_the_diagonal():
    p, hits = _calibrated()
    points = reliability([p], hits, Bootstrap(np.arange(len(p)), 2, "a"), 0.99)
    low, high, predicted = (np.array(points[key]) for key in ("low", "high", "predicted"))
    assert ((low < predicted) & (predicted < high)).all()
    assert np.isclose(sum(points["samples"]), len(p))


def test_seeds_do_not_shrink_the_intervals():
    p, hits = _calibrated(2000)
    bootstrap = Bootstrap(np.arange(len(p)), 2, "a")
    one, three = (reliability(seeds, hits, bootstrap, 0.68) for seeds in ([p], [p, p, p]))
    assert np.allclose(one["low"], three["low"])


def test_overconfidence_is_the_calibration_error():
    p, hits = _calibrated()
    claimed = np.where(p > 0.5, 0.99, 0.01)  # always sure, right in three of four cases
    both = np.column_stack([1 - claimed, claimed])
    bootstrap = Bootstrap(np.arange(len(p)), 2, "a")
    right = (both.argmax(1) == 1) == hits
    assert abs(expected_calibration_error(both.max(1), right, bootstrap)[0] - 0.24) < 0.01
    fair = np.column_stack([1 - p, p])
    assert expected_calibration_error(fair.max(1), right, bootstrap)[0] < 0.02
