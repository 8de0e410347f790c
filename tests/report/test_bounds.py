"""Claims of several parts, and those about the first layer of a network."""

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.errors import UserError
from bevatron.report.results.measured import Measured, Measurements

RNG = np.random.default_rng(4)
COMMON = RNG.standard_normal(2000)


def number(value, common=0.0, own=0.02, name="m"):
    replicas = value + common * COMMON + own * RNG.standard_normal(2000)
    per_seed = np.full(3, value)
    return Measured(
        name, value, own, np.nan, np.nan, per_seed, replicas, name, split_error=float(np.hypot(common, own))
    )


def decided(parts, **numbers):
    models = {name: {"a": value} for name, value in numbers.items()}
    measurements = Measurements(models, {}, dict.fromkeys([*models, None], "metrics.json"))
    component = CLAIM_TESTS["bounds"]
    return component().decide(component.Options.model_validate({"kind": "bounds", "parts": parts}), measurements)


def of(model):
    return {"model": model, "metric": "a"}


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [(1.0, 0.2, "reproduced"), (1.0, 0.48, "undecided"), (1.0, 0.8, "not reproduced"), (0.2, 0.2, "not reproduced")],
)
def test_every_part_must_be_true(first, second, verdict):
    parts = [{"number": of("p"), "above": 0.5}, {"number": of("q"), "below": 0.5}]
    assert decided(parts, p=number(first, name="p"), q=number(second, name="q")).verdict == verdict


@pytest.mark.parametrize(("bound", "verdict"), [(0.02, "reproduced"), (0.04, "undecided"), (0.08, "not reproduced")])
def test_a_difference_is_that_of_paired_numbers(bound, verdict):
    """Both fluctuate by 0.5 together, and by 0.005 by themselves: a difference of 0.04 has an error of 0.007."""
    p, q = number(1.04, common=0.5, own=0.005, name="p"), number(1.0, common=0.5, own=0.005, name="q")
    found = decided([{"number": of("p"), "minus": of("q"), "above": bound}], p=p, q=q)
    assert found.verdict == verdict
    assert found.decisive.error == pytest.approx(0.005 * np.sqrt(2), rel=0.1)
    mirrored = decided([{"number": of("p"), "minus": of("q"), "below": bound}], p=p, q=q)
    assert mirrored.decisive.value == pytest.approx(-found.decisive.value)


def test_the_sentence_says_what_was_measured_and_claimed():
    found = decided([{"number": of("p"), "minus": of("q"), "below": 0.25}], p=number(1.0, name="p"), q=number(0.5))
    assert "p minus m 0.500 (below 0.25)" in found.sentence
    assert len(found.numbers) == 2


@pytest.mark.parametrize("sides", [{}, {"above": 0.1, "below": 0.2}])
def test_a_bound_has_one_side(sides):
    with pytest.raises(ValidationError, match="exactly one of 'above' and 'below'"):
        CLAIM_TESTS["bounds"].Options.model_validate({"kind": "bounds", "parts": [{"number": of("p"), **sides}]})


@pytest.mark.parametrize(
    ("kind", "options", "verdict"),
    [
        ("alexnet", {"weights": 64 * 11 * 11}, "reproduced"),
        ("alexnet", {"weights": 64 * 11 * 11 + 1}, "not reproduced"),
        ("resnet", {"weights": 64 * 7 * 7}, "reproduced"),
        ("lenet", {"weights": 6 * 25, "side": 32, "classes": 10, "channels": 4}, "reproduced"),
    ],
)
def test_colours_multiply_the_first_kernels(kind, options, verdict):
    component = CLAIM_TESTS["first_layer"]
    asked = component.Options.model_validate({"kind": "first_layer", "architecture": {"kind": kind}, **options})
    assert component().decide(asked, Measurements({}, {}, {})).verdict == verdict


def test_a_network_without_convolutions_is_refused():
    component = CLAIM_TESTS["first_layer"]
    asked = component.Options.model_validate(
        {"kind": "first_layer", "architecture": {"kind": "mlp", "widths": [3]}, "side": 4, "weights": 48}
    )
    with pytest.raises(UserError, match="'mlp' has no convolution"):
        component().decide(asked, Measurements({}, {}, {}))
