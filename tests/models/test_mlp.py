"""Multi-layer perceptrons: parameter counts, padding, initial weights and activations as textbooks have them."""

import math

import pytest
import torch
from torch import nn

from bevatron.models.architectures.mlp import MLP
from bevatron.models.layers.activation import activation
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Padded


def mlp(inputs, n_outputs=1, **options):
    return MLP(MLP.Options(kind="mlp", **options), inputs, n_outputs)


SCALAR = {"x": InputGroup((1,), ("x",))}


@pytest.mark.parametrize(("widths", "count"), [([50], 151), ([50, 50], 2701), ([], 2)])
def test_the_lectures_networks_have_their_number_of_weights(widths, count):
    # 1:50:1 has 50 + 50 weights and 50 + 1 biases; 1:50:50:1 adds 2500 weights and 50 biases
    assert sum(p.numel() for p in mlp(SCALAR, widths=widths).parameters()) == count


def test_a_network_without_hidden_layers_is_a_straight_line():
    network = mlp(SCALAR, widths=[])
    x = torch.linspace(-3, 3, 7).unsqueeze(1)
    y = network({"x": x}).squeeze(1)
    assert torch.allclose(y[2:] - 2 * y[1:-1] + y[:-2], torch.zeros(5), atol=1e-6)


def test_tracks_and_kinematics_are_joined_and_the_number_of_tracks_is_seen():
    groups = {
        "jet": InputGroup((2,), ("pt", "eta")),
        "tracks": InputGroup((15, 3), ("a", "b", "c"), is_ragged=True),
    }
    network = mlp(groups, n_outputs=3, widths=[8])
    assert network.layers[0].in_features == 2 + 15 * 3 + 1
    values = torch.zeros(4, 15, 3)
    full = network({"jet": torch.ones(4, 2), "tracks": Padded(values, torch.full((4,), 15))})
    none = network({"jet": torch.ones(4, 2), "tracks": Padded(values, torch.zeros(4, dtype=torch.int64))})
    assert full.shape == (4, 3)
    assert not torch.equal(full, none)


@pytest.mark.parametrize(
    ("kind", "fan_in", "fan_out", "std"),
    [
        ("he", 400, 300, math.sqrt(2 / 400)),
        ("glorot", 400, 300, math.sqrt(2 / 700)),
        # a normal distribution cut at two widths keeps 0.8796 of its standard deviation
        ("truncated_normal", 400, 300, 0.1 * 0.87962566),
        ("zeros", 400, 300, 0.0),
    ],
)
def test_initial_weights_have_their_variance(kind, fan_in, fan_out, std):
    torch.manual_seed(1)
    layer = nn.Linear(fan_in, fan_out)
    initialise(layer, Initialisation(kind=kind, std=0.1))
    n = layer.weight.numel()
    assert layer.weight.std().item() == pytest.approx(std, abs=5 * std / math.sqrt(2 * n))
    assert layer.weight.mean().item() == pytest.approx(0.0, abs=5 * std / math.sqrt(n) + 1e-12)
    assert torch.count_nonzero(layer.bias) == 0
    if kind == "truncated_normal":
        assert layer.weight.abs().max() <= 0.2


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("relu", lambda x: max(x, 0.0)),
        ("leaky_relu", lambda x: x if x > 0 else 0.01 * x),
        ("prelu", lambda x: x if x > 0 else 0.25 * x),
        ("tanh", math.tanh),
        ("logistic", lambda x: 1 / (1 + math.exp(-x))),
        ("softplus", lambda x: math.log1p(math.exp(x))),
        ("silu", lambda x: x / (1 + math.exp(-x))),
        ("elu", lambda x: x if x > 0 else math.expm1(x)),
        ("gelu", lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2)))),
        ("identity", lambda x: x),
    ],
)
def test_activations_are_their_formulas(name, formula):
    for x in (-2.0, -0.3, 0.0, 0.7, 3.0):
        assert activation(name)(torch.tensor([x])).item() == pytest.approx(formula(x), abs=1e-6)


def test_dropout_silences_in_training_alone():
    network = mlp(SCALAR, widths=[64], dropout=0.5)
    x = {"x": torch.ones(1, 1)}
    network.train()
    assert len({network(x).item() for _ in range(20)}) > 1
    network.eval()
    assert len({network(x).item() for _ in range(20)}) == 1
