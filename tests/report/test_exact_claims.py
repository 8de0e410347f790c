"""Claims that are exact: nothing is measured."""

import pytest

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.report.claims.decision import Decision
from bevatron.report.results.measured import Measurements


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
