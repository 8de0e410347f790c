"""Initial filters, and pools of any size."""

import math

import pytest
import torch
from torch import nn

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import NetworkSpec, draw_network

STD = {"normal": 0.3, "truncated_normal": 0.3 * 0.87962566, "he": math.sqrt(2 / 450)}  # 0.8796: cut at two widths


@pytest.mark.parametrize("kind", STD)
def test_positive_filters_keep_their_mean_square_and_spare_dense_layers(kind):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(50, 60, 3), nn.Linear(50, 40))
    initialise(network, Initialisation(kind=kind, std=0.3, positive_filters=True))
    filters, dense = (layer.weight.detach() for layer in network)
    assert (filters > 0).all()
    assert filters.square().mean().sqrt().item() == pytest.approx(STD[kind], rel=0.03)
    assert abs(dense.mean().item()) < 5 * dense.std().item() / math.sqrt(dense.numel())


def test_positive_filters_have_the_sizes_of_the_others():
    """One change at a time: the same draws, without their signs."""
    drawn = []
    for positive in (False, True):
        torch.manual_seed(2)
        layer = nn.Conv2d(1, 16, 5)
        initialise(layer, Initialisation(kind="truncated_normal", positive_filters=positive))
        drawn.append(layer.weight.detach())
    torch.testing.assert_close(drawn[0].abs(), drawn[1], rtol=0, atol=0)


def test_a_plain_normal_has_tails_that_a_truncated_one_has_not():
    torch.manual_seed(3)
    layer = nn.Conv2d(100, 100, 3)
    initialise(layer, Initialisation(kind="normal", std=0.3))
    beyond = (layer.weight.abs() > 0.6).double().mean().item()
    assert beyond == pytest.approx(0.0455, abs=5 * math.sqrt(0.0455 / layer.weight.numel()))


def test_new_options_are_no_part_of_a_digest_at_their_default():
    """What was trained before these options remains valid."""
    for kind in ("convolutional", "lenet"):
        plain = ARCHITECTURES[kind].Options(kind=kind)
        dumped = plain.model_dump(mode="json")
        assert "pool_size" not in dumped
        assert dumped["initialisation"] == {"kind": "he", "std": 0.1}
        changed = ARCHITECTURES[kind].Options(kind=kind, pool_size=3, initialisation={"positive_filters": True})
        dumped = changed.model_dump(mode="json")
        assert (dumped["pool_size"], dumped["initialisation"]["positive_filters"]) == (3, True)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_one_pool_over_the_whole_image(pooling):
    component = ARCHITECTURES["convolutional"]
    options = component.Options(
        kind="convolutional",
        channels=[3],
        kernel=5,
        padding="valid",
        pool_after=[1],
        pool_size=8,
        pooling=pooling,
        widths=[],
    )
    torch.manual_seed(4)
    network = component(options, {"a": InputGroup((1, 12, 12), ("c",))}, 2).eval()
    images = torch.randn(6, 1, 12, 12)
    convolution, dense = network.features[0], network.classifier[-1]
    maps = torch.relu(nn.functional.conv2d(images, convolution.weight, convolution.bias))
    assert maps.shape == (6, 3, 8, 8)
    pooled = maps.amax((2, 3)) if pooling == "max" else maps.mean((2, 3))
    torch.testing.assert_close(network({"a": images}), pooled @ dense.weight.T + dense.bias)


def test_pools_that_leave_nothing_are_refused_in_words():
    for size, words in ((3, "it needs 9×9 at least"), (60, "it needs more than 1024×1024")):
        component, shape = ARCHITECTURES["convolutional"], InputGroup((1, 8, 8), ("c",))
        options = component.Options(kind="convolutional", pool_size=size)
        with pytest.raises(UserError, match=words):
            component(options, {"a": shape}, 2)


def test_a_network_is_drawn_by_its_seed_alone():
    spec = NetworkSpec({"kind": "lenet"}, {"a": InputGroup((1, 28, 28), ("c",))}, 4, "none")
    before = torch.random.get_rng_state()
    first, again, other = (list(draw_network(spec, seed).parameters()) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    assert torch.equal(before, torch.random.get_rng_state())
