"""Small classifiers that an evaluation trains: an observer of generated images, and a training to compare with."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bevatron.compute.numerics.devices import deterministic

HIDDEN, BATCH = 32, 200
RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8  # of Adam
COMPARED_EPOCHS, OBSERVER_EPOCHS = 60, 30


def spot_generated(
    real: np.ndarray, generated: np.ndarray, test: np.ndarray, others: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whether an observer tells each test image, and each of other generated images, right: (n,) and (m,) bool.

    It is a new network that learned to tell `real` from `generated` images, all (n, pixels): the classifier two-sample
    test (D. Lopez-Paz and M. Oquab, arXiv:1610.06545). A discriminator's accuracy depends on its own training as well.
    """
    images = np.concatenate([real, generated])
    labels = np.repeat([1, 0], [len(real), len(generated)])
    with deterministic(1):
        *_, (_, network) = _train(images, labels, 2, OBSERVER_EPOCHS, seed)
        says_real, says_others = (_logits(network, rows).argmax(1) == 1 for rows in (test, others))
    return says_real, ~says_others


def losses_along_training(
    images: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray, moments: int, seed: int
) -> np.ndarray:
    """Cross entropy of each test image along the training of one network by itself: (moments, n).

    Images (m, pixels) and class numbers (m,) of the training, test (n, pixels) and truth (n,). The moments are evenly
    spaced, the first after one of COMPARED_EPOCHS epochs, the last at the end, as those at which a generator is
    remembered.
    """
    n_classes = int(max(labels.max(), truth.max())) + 1
    at = [1 + round(k * (COMPARED_EPOCHS - 1) / max(moments - 1, 1)) for k in range(moments)]
    numbers, found = torch.from_numpy(truth).long(), {}
    with deterministic(1):
        for epoch, network in _train(images, labels, n_classes, COMPARED_EPOCHS, seed):
            if epoch in at:
                logits = torch.from_numpy(_logits(network, test))
                found[epoch] = functional.cross_entropy(logits, numbers, reduction="none").numpy()
    return np.array([found[epoch] for epoch in at])


def _train(
    images: np.ndarray, labels: np.ndarray, n_classes: int, epochs: int, seed: int
) -> Iterator[tuple[int, nn.Module]]:
    """The number of each epoch, and the network after it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(images.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n_classes))
    order = torch.Generator().manual_seed(seed)
    rows, numbers = torch.from_numpy(images).float(), torch.from_numpy(labels).long()
    adam = _Adam(list(network.parameters()))
    for epoch in range(1, epochs + 1):
        for batch in torch.randperm(len(rows), generator=order).split(BATCH):
            adam.step(functional.cross_entropy(network(rows[batch]), numbers[batch]))
        yield epoch, network


class _Adam:
    """D. Kingma and J. Ba, arXiv:1412.6980, algorithm 1; torch's own costs a second of imports when it is made."""

    def __init__(self, weights: list[nn.Parameter]):
        self.weights, self.steps = weights, 0
        self.means, self.squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))

    def step(self, loss: Tensor) -> None:
        """Move the weights down the loss."""
        self.steps += 1
        first, second = 1.0 - BETA_1**self.steps, 1.0 - BETA_2**self.steps
        gradients = torch.autograd.grad(loss, self.weights)
        with torch.no_grad():
            for w, g, mean, square in zip(self.weights, gradients, self.means, self.squares, strict=True):
                mean.lerp_(g, 1.0 - BETA_1)
                square.mul_(BETA_2).addcmul_(g, g, value=1.0 - BETA_2)
                w -= RATE / first * mean / ((square / second).sqrt_() + EPSILON)


def _logits(network: nn.Module, images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network(torch.from_numpy(images).float()).double().numpy()
