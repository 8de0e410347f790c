"""Adversarial examples against networks whose gradients are known by hand."""

import pytest
import torch

from bevatron.config.sections.training import Augmentation
from bevatron.errors import UserError
from bevatron.training.attacks import fgsm, pgd, random_signs
from bevatron.training.augmentation import augment

WEIGHTS = torch.tensor([[1.0, -2.0, 0.5], [-1.0, 2.0, -0.5]])
INPUTS = {"x": torch.tensor([[0.5, 0.5, 0.5], [0.98, 0.5, 0.01]])}
LABELS = torch.tensor([0, 0])


def linear(inputs):
    return inputs["x"] @ WEIGHTS.T


def test_fgsm_goes_against_the_weights_and_stays_in_range():
    moved = fgsm(linear, INPUTS, LABELS, 0.05, 0.0, 1.0)["x"]
    expected = INPUTS["x"] + 0.05 * torch.tensor([-1.0, 1.0, -1.0])  # lowers the output of class 0
    torch.testing.assert_close(moved, expected.clamp(0.0, 1.0))


def test_fgsm_moves_a_linear_network_by_epsilon_times_the_norm_of_its_weights():
    moved = fgsm(linear, INPUTS, LABELS, 0.01, -9.0, 9.0)
    change = (linear(moved) - linear(INPUTS))[:, 0]
    torch.testing.assert_close(change, torch.full((2,), -0.01 * 3.5))  # ε |w|₁ (arXiv:1412.6572, sec. 3)


def test_pgd_finds_the_corner_that_fgsm_finds_of_a_linear_network():
    torch.manual_seed(0)
    found = pgd(linear, INPUTS, LABELS, 0.05, 0.0, 1.0, 20)["x"]
    torch.testing.assert_close(found, fgsm(linear, INPUTS, LABELS, 0.05, 0.0, 1.0)["x"])


def test_changes_stay_within_epsilon():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    for moved in (
        pgd(lambda i: network(i["x"]), INPUTS, LABELS, 0.1, 0.0, 1.0, 5),
        random_signs(INPUTS, 0.1, 0.0, 1.0),
    ):
        assert ((moved["x"] - INPUTS["x"]).abs() <= 0.1 + 1e-6).all()
        assert moved["x"].min() >= 0
        assert moved["x"].max() <= 1


def test_pgd_is_no_weaker_than_fgsm():
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2))
    x, labels = {"x": torch.rand(200, 3)}, torch.randint(0, 2, (200,))

    def loss(moved):
        return torch.nn.functional.cross_entropy(network(moved["x"]), labels)

    one = fgsm(lambda i: network(i["x"]), x, labels, 0.3, 0.0, 1.0)
    many = pgd(lambda i: network(i["x"]), x, labels, 0.3, 0.0, 1.0, 40)
    assert loss(many) > loss(x)
    assert loss(many) >= loss(one) - 1e-3


def test_augmented_images_are_shifted_and_mirrored_whole():
    torch.manual_seed(0)
    image = torch.zeros(400, 1, 7, 7)
    image[:, 0, 3, 2] = 1.0
    found = augment({"p": image}, Augmentation(mirror=True, shift=2), "net")["p"]
    assert found.shape == image.shape
    assert torch.equal(found.sum((1, 2, 3)), torch.ones(400))  # two pixels from a border nothing is lost
    places = {(int(row), int(column)) for _, _, row, column in found.nonzero()}
    assert places == {(row, column) for row in range(1, 6) for column in range(7)}


def test_what_is_no_image_is_not_augmented():
    with pytest.raises(UserError, match="'x' holds no images"):
        augment(INPUTS, Augmentation(mirror=True), "net")
