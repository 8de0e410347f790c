"""Fisher's discriminant: the textbook's direction, and scikit-learn's linear discriminant analysis."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from bevatron.models.architectures.fisher import Fisher
from bevatron.models.closed_form import ClosedFormModel, Labelled
from bevatron.models.layers.inputs import InputGroup

GROUPS = {"jet": InputGroup((4,), tuple("abcd"))}


def solved(rows, labels, n_classes=3, weights=None, **options):
    network = Fisher(Fisher.Options(kind="fisher", **options), GROUPS, n_classes)
    split = Labelled(rows, labels, torch.ones(len(rows)) if weights is None else weights)
    losses = network.fit_closed_form(split, split, seed=0, keep_best=True)
    return network, losses


@pytest.fixture
def cloud():
    rng = np.random.default_rng(3)
    labels = rng.choice(3, 3000, p=[0.5, 0.3, 0.2])
    mixing = rng.normal(size=(4, 4))
    rows = rng.normal(size=(3000, 4)) @ mixing + 0.8 * np.eye(3, 4)[labels]
    return torch.tensor(rows, dtype=torch.float32), torch.tensor(labels)


def test_its_probabilities_are_those_of_linear_discriminant_analysis(cloud):
    rows, labels = cloud
    network, _ = solved(rows, labels)
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(rows.double().numpy(), labels.numpy())
    expected = reference.predict_proba(rows.double().numpy())
    assert torch.allclose(network({"jet": rows}).softmax(1).double(), torch.tensor(expected), atol=1e-5)


def test_between_two_classes_its_direction_is_that_of_the_textbook():
    torch.manual_seed(0)
    labels = torch.arange(20_000) % 2
    spread = torch.tensor([[1.0, 0.0, 0, 0], [0.5, 2.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]])
    difference = torch.tensor([1.0, -0.5, 0.0, 0.3])
    rows = torch.randn(20_000, 4) @ spread.t() + labels.unsqueeze(1) * difference
    network, _ = solved(rows, labels, 2)
    direction = network.weight[1] - network.weight[0]
    expected = torch.linalg.solve(spread @ spread.t(), difference)
    assert torch.allclose(direction, expected, atol=0.05)


def test_weights_of_samples_are_their_numbers(cloud):
    rows, labels = cloud
    twice = labels == 2
    weighted, _ = solved(rows, labels, weights=1.0 + twice.float())
    repeated, _ = solved(torch.cat([rows, rows[twice]]), torch.cat([labels, labels[twice]]))
    assert torch.allclose(weighted.weight, repeated.weight, atol=1e-5)
    assert torch.allclose(weighted.bias, repeated.bias, atol=1e-5)


def test_a_feature_that_never_varies_is_left_out(cloud):
    rows, labels = cloud
    rows = torch.cat([rows[:, :3], torch.full((len(rows), 1), 5.0)], 1)
    network, _ = solved(rows, labels)
    assert torch.isfinite(network.weight).all()
    assert network.weight[:, 3].abs().max() < 1e-6


def test_the_loss_is_the_mean_cross_entropy_and_full_shrinkage_makes_directions_of_means(cloud):
    rows, labels = cloud
    network, (losses,) = solved(rows, labels, shrinkage=1.0)
    expected = torch.nn.functional.cross_entropy(network({"jet": rows}), labels).item()
    assert losses.training == losses.validation == pytest.approx(expected, rel=1e-5)
    means = torch.stack([rows[labels == c].mean(0) for c in range(3)])
    assert torch.allclose(network.weight / network.weight.norm(), means / means.norm(), atol=1e-4)


def test_it_is_found_as_an_architecture_that_is_solved():
    network = Fisher(Fisher.Options(kind="fisher"), GROUPS, 3)
    assert isinstance(network, ClosedFormModel)
    assert network.n_fitted() == 3 * 4 + 3
