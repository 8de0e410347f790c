"""Generative adversarial networks: both networks' gradients, the saddle point, spectral normalisation."""

import copy
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from bevatron.models.architectures.gan import GAN
from bevatron.models.layers.inputs import InputGroup

INPUTS = {"image": InputGroup((1, 4, 4), ("grey",))}


def gan(**options):
    torch.manual_seed(0)
    options = {"latent": 3, "generator": [8], "discriminator": [8], **options}
    return GAN(GAN.Options(kind="gan", **options), INPUTS, 1)


@pytest.mark.parametrize("loss", ["minimax", "non_saturating"])
def test_one_step_is_that_of_two_optimisers_at_once(loss):
    """The textbook's loop: D's loss over detached images, G's loss through D, each with its own optimiser."""
    ours, reference = gan(loss=loss), gan(loss=loss)
    reference.load_state_dict(ours.state_dict())
    real = torch.rand(16, 1, 4, 4)
    torch.manual_seed(5)
    optimiser = torch.optim.Adam(ours.parameters(), lr=0.01)
    ours({"image": real}, torch.zeros(16)).sum(1).mean().backward()
    optimiser.step()

    torch.manual_seed(5)
    g, d = reference.generator, reference.discriminator
    before = copy.deepcopy(d)
    made = g(torch.randn(16, 3)).sigmoid()
    of_d, of_g = (torch.optim.Adam(part.parameters(), lr=0.01) for part in (d, g))
    ones, zeros = torch.ones(16, 1), torch.zeros(16, 1)
    loss_d = binary_cross_entropy_with_logits(d(real.flatten(1)), ones)
    loss_d = loss_d + binary_cross_entropy_with_logits(d(made.detach()), zeros)
    loss_d.backward()
    of_d.step()
    of_g.zero_grad()
    if loss == "minimax":
        (-binary_cross_entropy_with_logits(before(made), zeros)).backward()
    else:
        binary_cross_entropy_with_logits(before(made), ones).backward()
    of_g.step()
    for (name, a), b in zip(ours.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6, msg=name)


def test_at_the_saddle_point_v_is_minus_two_logarithms_of_two():
    network = gan()
    for weights in network.discriminator.parameters():
        torch.nn.init.zeros_(weights)  # D says ½ of everything
    losses = network({"image": torch.rand(5, 1, 4, 4)}, torch.zeros(5))
    torch.testing.assert_close(losses[:, 0], torch.full((5,), 2 * math.log(2)))


def test_spectral_normalisation_bounds_every_layer():
    network = gan(spectral_normalisation=True, discriminator=[32, 32]).train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02)
    for _ in range(200):
        optimiser.zero_grad()
        network({"image": torch.rand(32, 1, 4, 4)}, torch.zeros(32)).sum(1).mean().backward()
        optimiser.step()
    for layer in network.discriminator:
        if isinstance(layer, torch.nn.Linear):
            assert np.linalg.svd(layer.weight.detach().numpy(), compute_uv=False)[0] == pytest.approx(1.0, abs=0.05)


def test_generated_images_follow_from_the_generator_s_seed():
    network = gan()
    first, second = (network.generate(6, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == (6, 1, 4, 4)
    assert first.min() > 0
    assert first.max() < 1
