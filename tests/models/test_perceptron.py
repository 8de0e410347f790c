"""A single unit learns by Rosenblatt's rule and by the delta rule, step by step."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.config.sections.model import Model
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup

POINTS = {"points": InputGroup((2,), ("x1", "x2"))}
RATE = 0.3

SLOPES = {  # f and f' of each activation, as the books have them
    "step": (lambda z: float(z > 0), lambda z: 1.0),
    "logistic": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (lambda z: (1 + np.tanh(z)) / 2, lambda z: (1 - np.tanh(z) ** 2) / 2),
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "leaky_relu": (lambda z: z if z > 0 else 0.01 * z, lambda z: 1.0 if z > 0 else 0.01),
}


def unit(activation, kind="truncated_normal", **more):
    component = ARCHITECTURES["perceptron"]
    start = {"kind": kind, "std": 0.1}
    options = component.Options(kind="perceptron", activation=activation, initialisation=start, **more)
    return component(options, POINTS, 2)


def learned(network, x, labels):
    """w and θ after each step of gradient descent on ½ (y - t)², sample by sample."""
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE)
    for point, t in zip(torch.from_numpy(x).float(), labels, strict=True):
        y = network({"points": point.unsqueeze(0)})[0, 1]
        optimiser.zero_grad()
        (0.5 * (y - float(t)) ** 2).backward()
        optimiser.step()
        w, theta = network.hyperplane()
        yield [*w.tolist(), theta]


@pytest.fixture
def samples():
    rng = np.random.default_rng(3)
    labels = np.arange(60) % 2
    return rng.standard_normal((60, 2)) + np.outer(labels * 2.0 - 1.0, [0.8, 0.3]), labels


def test_each_step_of_the_slope_that_tensorflow_has_is_the_delta_rule(samples):
    check_delta_rule(unit("leaky_relu", slope=0.2), lambda z: max(z, 0.2 * z), lambda z: 1.0 if z > 0 else 0.2, samples)


@pytest.mark.parametrize("activation", SLOPES)
def test_each_step_is_the_delta_rule(activation, samples):
    torch.manual_seed(1)
    check_delta_rule(unit(activation), *SLOPES[activation], samples)


def check_delta_rule(network, f, slope, samples):
    w, theta = network.hyperplane()
    w = w.numpy().astype(float)
    for found, point, t in zip(learned(network, *samples), *samples, strict=True):
        z = w @ point - theta
        change = RATE * (t - f(z)) * slope(z)
        w, theta = w + change * point, theta - change
        assert found == pytest.approx([*w, theta], abs=1e-5)


def test_rosenblatts_rule_changes_nothing_on_the_right_side_and_ends_without_errors(samples):
    """Novikoff (1962): at most (R/γ)² corrections: R the largest |(x, 1)|, γ the margin of some separating line."""
    x, labels = samples
    x = x + np.outer(labels * 2.0 - 1.0, [3.0, 1.0])  # now separable by (3, 1)
    extended, signs = np.column_stack([x, np.ones(len(x))]), labels * 2.0 - 1.0
    direction = np.array([3.0, 1.0, 0.0]) / np.sqrt(10)
    margin = (signs * (extended @ direction)).min()
    assert margin > 0
    most = (np.linalg.norm(extended, axis=1).max() / margin) ** 2
    network = unit("step", "zeros")
    lines = [[0.0, 0.0, 0.0], *learned(network, np.tile(x, (20, 1)), np.tile(labels, 20))]
    changes = sum(a != b for a, b in pairwise(lines))
    assert 0 < changes <= most
    outputs = network({"points": torch.from_numpy(x).float()})
    assert outputs.argmax(1).tolist() == labels.tolist()


def test_zero_weights_do_not_move_under_relu_and_do_under_logistic(samples):
    assert list(learned(unit("relu", "zeros"), *samples))[-1] == [0.0, 0.0, 0.0]
    assert np.hypot(*list(learned(unit("logistic", "zeros"), *samples))[-1][:2]) > 0.1


def test_a_small_slope_moves_zero_weights(samples):
    assert np.hypot(*list(learned(unit("leaky_relu", "zeros", slope=0.01), *samples))[-1][:2]) > 0.1
    assert list(learned(unit("leaky_relu", "zeros", slope=0.0), *samples))[-1] == [0.0, 0.0, 0.0]  # a ReLU


def test_prelu_starts_from_its_slope():
    x = torch.tensor([[-2.0, 0.0]])
    for slope, options in ((0.25, {}), (0.1, {"slope": 0.1})):
        network = unit("prelu", **options)
        with torch.no_grad():
            network.linear.weight.copy_(torch.tensor([[1.0, 0.0]]))
            assert network({"points": x})[0, 1].item() == pytest.approx(-2.0 * slope)


def test_a_slope_is_for_activations_that_have_one():
    with pytest.raises(ValidationError, match="slope: only leaky_relu and prelu have one, found 'relu'"):
        unit("relu", slope=0.1)


def test_without_a_slope_the_options_are_those_of_before_there_was_one():
    """Digests of runs are made of these."""
    options = ARCHITECTURES["perceptron"].Options(kind="perceptron", activation="leaky_relu")
    start = {"kind": "he", "std": 0.1}
    assert options.model_dump(mode="json") == {
        "kind": "perceptron", "activation": "leaky_relu", "initialisation": start,
    }  # fmt: skip


def test_the_slope_can_be_searched():
    section = {
        "title": "unit",
        "inputs": ["points"],
        "architecture": {"kind": "perceptron", "activation": "leaky_relu"},
    }
    model = Model.model_validate(section).with_values({"architecture.slope": 0.2})
    assert model.architecture.slope == 0.2
    with pytest.raises(KeyError, match="known here"):
        model.with_values({"architecture.slopes": 0.2})


def test_a_plain_gaussian_goes_beyond_two_widths_and_a_truncated_one_does_not():
    torch.manual_seed(3)
    layer = torch.nn.Linear(200, 200)
    drawn = {}
    for kind in ("normal", "truncated_normal"):
        initialise(layer, Initialisation(kind=kind, std=0.1))
        drawn[kind] = layer.weight.detach().abs().flatten()
    assert (drawn["normal"] > 0.2).float().mean().item() == pytest.approx(0.0455, abs=0.005)
    assert drawn["normal"].square().mean().sqrt().item() == pytest.approx(0.1, rel=0.02)
    assert drawn["truncated_normal"].max() <= 0.2


def test_outputs_are_shares_of_the_two_classes():
    torch.manual_seed(2)
    for activation in (*SLOPES, "prelu"):
        outputs = unit(activation)({"points": torch.randn(9, 2)})
        assert outputs.shape == (9, 2)
        assert torch.allclose(outputs.sum(1), torch.ones(9))
