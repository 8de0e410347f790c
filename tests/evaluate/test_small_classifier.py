"""The classifiers that an evaluation trains itself."""

import numpy as np
import pytest
import torch

from bevatron.evaluate.inspection import small_classifier
from bevatron.evaluate.inspection.small_classifier import losses_along_training, spot_generated

RANDOM = np.random.default_rng(40)
IMAGES = RANDOM.random((300, 12))
LABELS = (IMAGES[:, 0] > 0.5).astype(np.int64)


class TorchAdam:
    def __init__(self, weights):
        self.adam = torch.optim.Adam(weights, lr=1e-3)

    def step(self, loss):
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()


def test_its_optimiser_is_torch_s_adam(monkeypatch):
    own = losses_along_training(IMAGES, LABELS, IMAGES, LABELS, 4, 1)
    monkeypatch.setattr(small_classifier, "_Adam", TorchAdam)
    np.testing.assert_allclose(own, losses_along_training(IMAGES, LABELS, IMAGES, LABELS, 4, 1), atol=1e-5)
    assert (np.diff(own.mean(1)) < 0).all()


def test_the_same_seed_gives_the_same_bits_and_leaves_torch_s_generator_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, second = (losses_along_training(IMAGES, LABELS, IMAGES, LABELS, 2, 5) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, losses_along_training(IMAGES, LABELS, IMAGES, LABELS, 2, 6))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, 0.42, 0.58), (3.0, 0.98, 1.0)])
def test_an_observer_guesses_between_equals_and_knows_what_differs(shift, low, high):
    real, test = RANDOM.standard_normal((600, 6)), RANDOM.standard_normal((400, 6))
    generated, others = (RANDOM.standard_normal((n, 6)) + shift for n in (600, 400))
    says_real, says_others = spot_generated(real, generated, test, others, 0)
    assert low <= (says_real.mean() + says_others.mean()) / 2 <= high
