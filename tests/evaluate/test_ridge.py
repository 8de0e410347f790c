"""Ridge regression with leave-one-out errors, beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bevatron.evaluate.statistics.ridge import STRENGTHS, ridge_prediction


@pytest.mark.parametrize(
    ("n", "p", "noise"),
    [(200, 5, 0.1), (200, 5, 30.0), (80, 300, 1.0)],
    ids=["a clear answer", "nearly noise", "more columns than samples"],
)
def test_it_is_what_scikit_learn_finds(n, p, noise):
    random = np.random.default_rng(p)
    x, of = random.normal(3.0, random.uniform(0.1, 10, p), (n, p)), random.normal(3.0, 1.0, (50, p))
    x[:, 1] = 7.0  # a column that never changes
    y = x @ random.normal(0, 1, (p, 3)) + random.normal(0, noise, (n, 3))
    theirs = make_pipeline(StandardScaler(), RidgeCV(STRENGTHS)).fit(x, y)
    assert STRENGTHS[0] < theirs[-1].alpha_ < STRENGTHS[-1]
    assert ridge_prediction(x, y, of) == pytest.approx(theirs.predict(of), rel=1e-7, abs=1e-7)


def test_hidden_numbers_that_never_change_tell_the_mean():
    x, y = np.ones((20, 2)), np.arange(20.0)[:, None]
    assert ridge_prediction(x, y, np.ones((3, 2))) == pytest.approx(9.5)
