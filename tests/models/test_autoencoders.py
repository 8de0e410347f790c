"""Auto-encoders: their weights counted by hand, and the filter and the components that stand beside them."""

import numpy as np
import pytest
import torch

from bevatron.errors import UserError
from bevatron.models.architectures.autoencoder import Autoencoder
from bevatron.models.architectures.convolutional_autoencoder import ConvolutionalAutoencoder
from bevatron.models.architectures.principal_components import PrincipalComponents
from bevatron.models.architectures.wiener import Wiener
from bevatron.models.closed_form import Labelled
from bevatron.models.layers.inputs import InputGroup

GALAXY = {"galaxy": InputGroup((1, 32, 32), ("flux",))}


def count(network):
    return sum(weights.numel() for weights in network.parameters())


def test_the_lectures_auto_encoder_has_so_many_weights():
    network = Autoencoder(Autoencoder.Options(kind="autoencoder", latent=10), GALAXY, 1024)
    assert count(network) == 1024 * 10 + 10 + 10 * 1024 + 1024
    assert network.encode({"galaxy": torch.rand(3, 1, 32, 32)}).shape == (3, 10)


def test_a_deep_auto_encoder_is_mirrored():
    network = Autoencoder(Autoencoder.Options(kind="autoencoder", latent=4, widths=[128]), GALAXY, 1024)
    assert count(network) == 1024 * 128 + 128 + 128 * 4 + 4 + 4 * 128 + 128 + 128 * 1024 + 1024


def test_a_convolutional_one_halves_and_doubles():
    options = ConvolutionalAutoencoder.Options(kind="convolutional_autoencoder", latent=10, channels=[8, 16])
    network = ConvolutionalAutoencoder(options, GALAXY, 1024)
    encoder = (9 * 8 + 8) + (9 * 8 * 16 + 16) + (16 * 64 * 10 + 10)
    decoder = (10 * 16 * 64 + 16 * 64) + (9 * 16 * 8 + 8) + (9 * 8 * 8 + 8) + (9 * 8 + 1)
    assert count(network) == encoder + decoder
    assert network({"galaxy": torch.rand(2, 1, 32, 32)}).shape == (2, 1024)


def test_images_that_cannot_be_halved_are_refused():
    options = ConvolutionalAutoencoder.Options(kind="convolutional_autoencoder", channels=[4, 4, 4])
    with pytest.raises(UserError, match="12×12 cannot be halved 3 times"):
        ConvolutionalAutoencoder(options, {"p": InputGroup((1, 12, 12), ("flux",))}, 144)


@pytest.mark.parametrize("architecture", [PrincipalComponents, Wiener])
def test_targets_of_another_size_are_refused(architecture):
    kind = {PrincipalComponents: "principal_components", Wiener: "wiener"}[architecture]
    with pytest.raises(UserError, match="1024"):
        architecture(architecture.Options(kind=kind), GALAXY, 256)


def test_wiener_s_gain_is_that_of_known_spectra():
    """White noise of variance σ² over images whose spectrum is white with variance s²: H = s² / (s² + σ²)."""
    random = np.random.default_rng(0)
    clean = torch.from_numpy(2.0 * random.standard_normal((4000, 64)))
    noisy = clean + torch.from_numpy(random.standard_normal((4000, 64)))
    network = Wiener(Wiener.Options(kind="wiener"), {"p": InputGroup((1, 8, 8), ("flux",))}, 64)
    split = Labelled(noisy.float(), clean.float(), torch.ones(4000))
    (losses,) = network.fit_closed_form(split, split, 0, True)
    assert network.gain.mean().item() == pytest.approx(4 / 5, abs=0.01)
    assert losses.training == pytest.approx(4 * 1 / (4 + 1), rel=0.02)  # s² σ² / (s² + σ²)
