"""Networks over images: published numbers of weights, any size and number of planes, a gradient for every weight."""

import pytest
import torch
from torch import nn

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.layers.images import MeanOver, WithHeads
from bevatron.models.layers.inputs import InputGroup

SMALL = {
    "lenet": {},
    "convolutional": {"channels": [4, 4, 8], "pool_after": [1, 3], "activation": "prelu"},
    "alexnet": {"width": 0.0625, "stride": 2},
    "googlenet": {"width": 0.0625},
    "resnet": {"width": 0.0625},
    "inception_resnet_v2": {"width": 0.0625, "blocks": [1, 1, 1]},
}


def network(kind, shape=(3, 96, 96), n_outputs=5, groups=("a",), **options):
    torch.manual_seed(1)
    component = ARCHITECTURES[kind]
    names = tuple(f"c{k}" for k in range(shape[0]))
    inputs = {name: InputGroup(shape, names) for name in groups}
    return component(component.Options(kind=kind, **options), inputs, n_outputs)


@pytest.mark.parametrize(
    ("kind", "options", "side", "weights"),
    [
        ("alexnet", {}, 224, 61_100_840),  # torchvision's documentation of its models, all four
        ("googlenet", {}, 224, 13_004_888),
        ("resnet", {"depth": 18}, 224, 11_689_512),
        ("resnet", {"depth": 34}, 224, 21_797_672),
        ("resnet", {"depth": 50}, 224, 25_557_032),
        ("inception_resnet_v2", {}, 299, 55_843_464),  # that of the authors' weights as timm documents it
    ],
)
def test_published_numbers_of_weights(kind, options, side, weights):
    with torch.device("meta"):
        made = network(kind, (3, side, side), 1000, **options)
    assert sum(p.numel() for p in made.parameters()) == weights


def test_lenet_by_hand():
    """28 × 28 → 24 → 12 → 8 → 4: (25 + 1) 6 + (150 + 1) 16 + (256 + 1) 120 + (120 + 1) 84 + (84 + 1) 10."""
    made = network("lenet", (1, 28, 28), 10)
    assert sum(p.numel() for p in made.parameters()) == 156 + 2416 + 30_840 + 10_164 + 850


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize(("channels", "height", "width"), [(1, 96, 96), (3, 96, 130)])
def test_any_planes_and_sizes(kind, channels, height, width):
    made = network(kind, (channels, height, width), **SMALL[kind]).eval()
    assert made({"a": torch.randn(2, channels, height, width)}).shape == (2, 5)


@pytest.mark.parametrize("kind", SMALL)
def test_every_weight_has_a_gradient(kind):
    made = network(kind, **SMALL[kind]).train()
    made({"a": torch.rand(4, 3, 96, 96)}).sum().backward()
    without = [name for name, p in made.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []


@pytest.mark.parametrize(("kind", "least"), [("lenet", 16), ("googlenet", 15), ("inception_resnet_v2", 75)])
def test_too_small_images_are_refused_with_the_least_size(kind, least):
    with pytest.raises(UserError, match=f"'{kind}': it needs {least}×{least} at least"):
        network(kind, (3, 10, 10), **SMALL[kind])
    made = network(kind, (3, least, least), **SMALL[kind]).eval()
    assert made({"a": torch.rand(1, 3, least, least)}).isfinite().all()


def test_groups_are_joined_and_must_be_of_one_size():
    made = network("lenet", (1, 32, 32), groups=("a", "b")).eval()
    assert made({name: torch.rand(2, 1, 32, 32) for name in "ab"}).shape == (2, 5)
    component = ARCHITECTURES["lenet"]
    unequal = {"a": InputGroup((1, 32, 32), ("c",)), "b": InputGroup((1, 16, 16), ("c",))}
    with pytest.raises(UserError, match="unequal size: a 32×32, b 16×16"):
        component(component.Options(kind="lenet"), unequal, 5)
    with pytest.raises(UserError, match="group 'a' of shape \\(7,\\) is no image"):
        component(component.Options(kind="lenet"), {"a": InputGroup((7,), ("c",) * 7)}, 5)


def test_heads_speak_in_training_alone():
    made = network("googlenet", **SMALL["googlenet"])
    image = {"a": torch.rand(2, 3, 96, 96)}
    assert isinstance(made.train()(image), WithHeads)
    assert [head.shape for head in made(image).heads] == [(2, 5)] * 2
    assert made.eval()(image).shape == (2, 5)
    assert network("googlenet", heads=False, **SMALL["googlenet"]).train()(image).shape == (2, 5)


@pytest.mark.parametrize(("n", "height", "width"), [(6, 13, 20), (4, 4, 4), (4, 3, 9), (1, 5, 7)])
def test_means_over_parts_are_torchs(n, height, width):
    image = torch.randn(2, 3, height, width)
    expected = nn.functional.adaptive_avg_pool2d(image, n)
    torch.testing.assert_close(MeanOver(n, height, width)(image), expected)


@pytest.mark.parametrize("kind", ["googlenet", "resnet"])
def test_channels_last_changes_nothing(kind):
    made = network(kind, **SMALL[kind]).eval()
    image = torch.rand(2, 3, 96, 96)
    plain = made({"a": image})
    last = made.to(memory_format=torch.channels_last)({"a": image.contiguous(memory_format=torch.channels_last)})
    torch.testing.assert_close(plain, last, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pool_after": [3]}, "there is no convolution 3; allowed: 1 to 2"),
        ({"kernel": 4, "padding": "same"}, "kernel: must be odd with padding 'same'"),
    ],
)
def test_impossible_layers_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        ARCHITECTURES["convolutional"].Options(kind="convolutional", **options)
