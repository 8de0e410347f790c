"""Claims of several pairs: all must hold, and pairs may be of different metrics."""

import numpy as np
import pytest

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.report.results.measured import Measured, Measurements


def number(value, error, model):
    replicas = value + error * np.random.default_rng(abs(hash(value)) % 1000).standard_normal(2000)
    return Measured(str(value), value, error, np.nan, np.nan, np.full(3, value), replicas, model, split_error=error)


def pair(larger, smaller):
    names = ("model", "metric")
    return {"larger": dict(zip(names, larger, strict=True)), "smaller": dict(zip(names, smaller, strict=True))}


def decided(values, pairs):
    metrics = {
        model: {name: number(value, 0.01, model) for name, value in of_model.items()}
        for model, of_model in values.items()
    }
    measurements = Measurements(metrics, {}, dict.fromkeys([*metrics, None], "metrics.json"))
    test = CLAIM_TESTS["greater_each"]
    return test().decide(test.Options(kind="greater_each", pairs=pairs), measurements)


@pytest.mark.parametrize(("light", "verdict"), [(0.8, "reproduced"), (0.905, "undecided"), (0.99, "not reproduced")])
def test_every_pair_must_hold(light, verdict):
    values = {"plain": {"beauty": 0.3, "light": 0.9}, "weighted": {"beauty": 0.7, "light": light}}
    both = [pair(("weighted", "beauty"), ("plain", "beauty")), pair(("plain", "light"), ("weighted", "light"))]
    found = decided(values, both)
    assert found.verdict == verdict
    assert np.isclose(found.decisive.value, 0.9 - light)
    assert [m.meaning for m in found.margins] == ["0.7 minus 0.3", f"0.9 minus {light}"]
    assert found.decisive.error == pytest.approx(0.01 * np.sqrt(2), rel=0.1)


def test_it_looks_at_both_numbers_of_each_pair():
    options = CLAIM_TESTS["greater_each"].Options(kind="greater_each", pairs=[pair(("a", "x"), ("b", "y"))])
    assert [(r.model, r.metric) for r in options.references()] == [("a", "x"), ("b", "y")]
    assert options.models() == ["a", "b"]
