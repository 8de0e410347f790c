"""Claims that are exact: nothing is measured."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.errors import UserError
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


TABLE = [(8, 3, 6), (8, 5, 4), (8, 7, 2), (10, 3, 8), (10, 5, 6), (10, 7, 4), (10, 9, 2)]


@pytest.mark.parametrize(("side", "filter_side", "result"), TABLE)
def test_each_row_of_the_table_of_sizes(side, filter_side, result):
    row = {"side": side, "filter": filter_side, "result": result}
    assert decided("filter_sizes", rows=[row]).verdict == "reproduced"
    padded = row | {"padding": (filter_side - 1) // 2, "result": side}
    assert decided("filter_sizes", rows=[padded]).verdict == "reproduced"
    for wrong in (row | {"result": result + 1}, padded | {"padding": padded["padding"] - 1}):
        assert decided("filter_sizes", rows=[row, wrong]).verdict == "not reproduced"


def test_a_filter_with_an_even_side_has_no_centre():
    """It loses an odd number of pixels, and so a border that is wider on one side: the statement is not of it."""
    assert decided("filter_sizes", rows=[{"side": 8, "filter": 2, "result": 7}]).verdict == "not reproduced"


def test_a_wrong_size_is_named():
    found = decided("filter_sizes", rows=[{"side": 8, "filter": 1, "result": 8}, {"side": 8, "filter": 3, "result": 7}])
    assert "8 × 8 with 1 × 1 → 8; 8 × 8 with 3 × 3 → 6, claimed 7" in found.sentence


def test_the_variance_of_means():
    right = [{"side": side, "variance": 1 / side**2} for side in (1, 2, 3, 5)]
    assert decided("pool_variance", squares=right).verdict == "reproduced"
    assert decided("pool_variance", squares=[{"side": 2, "variance": 0.5}]).verdict == "not reproduced"


def lenet_layers():
    """LeNet-5 with images of 28 × 28, by hand."""
    return [
        {"channels": 6, "side": 24, "weights": (25 + 1) * 6},
        {"kind": "max_pool", "channels": 6, "side": 12},
        {"channels": 16, "side": 8, "weights": (6 * 25 + 1) * 16},
        {"kind": "max_pool", "channels": 16, "side": 4},
        *({"kind": "linear", "channels": n, "weights": (m + 1) * n} for m, n in ((256, 120), (120, 84), (84, 10))),
    ]


def decide_lenet(layers):
    return decided("network_layers", architecture={"kind": "lenet"}, channels=1, side=28, classes=10, layers=layers)


def test_layers_of_a_network_are_compared_one_by_one():
    assert decide_lenet(lenet_layers()).verdict == "reproduced"
    for key, value in (("channels", 7), ("side", 23), ("weights", 157), ("kind", "average_pool")):
        layers = lenet_layers()
        layers[0] |= {key: value}
        found = decide_lenet(layers)
        assert found.verdict == "not reproduced"
        assert "The claim wants layer 1 to be:" in found.sentence


def test_layers_that_cannot_be_listed_and_filters_that_do_not_fit_are_named():
    with pytest.raises(UserError, match="the layers of 'faster_rcnn' cannot be listed"):
        decided("network_layers", architecture={"kind": "faster_rcnn"}, layers=[{"channels": 1}])
    with pytest.raises(ValidationError, match="5 pixels do not fit into 3"):
        decided("filter_sizes", rows=[{"side": 3, "filter": 5, "result": 1}])


def test_a_layer_too_few_or_too_many_is_noticed():
    found = decide_lenet(lenet_layers()[:-1])
    assert found.verdict == "not reproduced"
    assert found.sentence.endswith("The claim wants 6.")
    assert decide_lenet([*lenet_layers(), {"kind": "linear", "channels": 1}]).verdict == "not reproduced"


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


def test_an_attack_moves_a_linear_function_in_proportion_to_its_inputs(monkeypatch):
    found = decided("linear_change", inputs=[10, 1000], epsilon=0.01)
    assert found.verdict == "reproduced"
    assert "0.1 for 10, 10 for 1,000 inputs" in found.sentence

    def along_the_gradient(network, inputs, labels, epsilon, low, high):
        import torch

        x = inputs["x"].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network({"x": x})[:, 0].sum(), x)
        return {"x": inputs["x"] + epsilon * gradient}  # as large as the weights, not ε in every input

    monkeypatch.setattr("bevatron.training.attacks.fgsm", along_the_gradient)
    assert decided("linear_change", inputs=[10, 1000], epsilon=0.01).verdict == "not reproduced"
