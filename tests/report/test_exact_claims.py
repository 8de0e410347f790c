"""Claims that are exact: nothing is measured."""

from pathlib import Path

import numpy as np
import pytest

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.report.claims.decision import Decision
from bevatron.report.results.measured import Measured, Measurements


def decided(kind, **options) -> Decision:
    component = CLAIM_TESTS[kind]
    return component().decide(component.Options.model_validate({"kind": kind, **options}), Measurements({}, {}, {}))


def test_sizes_of_layers_are_checked_one_by_one():
    layers = [{"kernel": 5, "side": 24}, {"kind": "max_pool", "kernel": 2, "stride": 2, "side": 12}]
    assert decided("layer_sizes", side=28, layers=layers).verdict == "reproduced"
    wrong = [*layers, {"kernel": 3, "padding": 1, "side": 10}]
    found = decided("layer_sizes", side=28, layers=wrong)
    assert found.verdict == "not reproduced"
    assert "28 → 24 → 12 → 12; the claim wants 28 → 24 → 12 → 10" in found.sentence


@pytest.mark.parametrize(("weights", "verdict"), [(61_706, "reproduced"), (61_707, "not reproduced")])
def test_weights_are_counted(weights, verdict):
    """LeNet-5 as usually written: 156 + 2,416 + 48,120 + 10,164 + 850 with images of 32 × 32."""
    found = decided("weight_count", architecture={"kind": "lenet"}, channels=1, side=32, classes=10, weights=weights)
    assert found.verdict == verdict
    assert f"the claim wants {weights:,}" in found.sentence


def measured(*per_seed) -> Measurements:
    values = np.array(per_seed)
    number = Measured("unit: n", values.mean(), 0.1, 0.0, 1.0, values, np.full(10, values.mean()), "unit")
    return Measurements({"unit": {"n": number}}, {}, {"unit": Path("metrics.json")})


@pytest.mark.parametrize(
    ("kind", "value", "per_seed", "verdict"),
    [
        ("equal", 0.0, (0.0, 0.0), "reproduced"),
        ("equal", 0.0, (0.0, 1e-300), "not reproduced"),
        ("equal", 0.0, (0.0, np.nan), "undecided"),
        ("at_most", 0.75, (0.2, 0.75), "reproduced"),
        ("at_most", 0.75, (0.2, 0.7501), "not reproduced"),
        ("at_most", 0.75, (np.nan,), "undecided"),
    ],
)
def test_exact_numbers_must_agree_for_every_seed_without_an_error(kind, value, per_seed, verdict):
    """A number that scatters widely below a bound is below it, whatever its mean's error."""
    component = CLAIM_TESTS[kind]
    options = {"kind": kind, "metric": {"model": "unit", "metric": "n"}, "value": value}
    assert component().decide(component.Options.model_validate(options), measured(*per_seed)).verdict == verdict
