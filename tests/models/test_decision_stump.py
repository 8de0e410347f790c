"""A node of a decision tree splits where scikit-learn's does, and an oblique one along the best of all lines."""

import numpy as np
import pytest
import torch

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.closed_form import Labelled
from bevatron.models.layers.inputs import InputGroup

POINTS = {"points": InputGroup((2,), ("x1", "x2"))}


def fitted(x, labels, weights=None, **options):
    component = ARCHITECTURES["decision_stump"]
    node = component(component.Options(kind="decision_stump", **options), POINTS, 2)
    weights = np.ones(len(x)) if weights is None else weights
    split = Labelled(torch.from_numpy(x).float(), torch.from_numpy(labels), torch.from_numpy(weights).float())
    return node, node.fit_closed_form(split, split, 0, False)


@pytest.fixture
def clouds():
    rng = np.random.default_rng(5)
    labels = np.arange(300) % 2
    points = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 300) + np.outer(labels, [2.0, 0.0])
    return points.astype(np.float32), labels, rng.uniform(0.1, 3.0, 300).astype(np.float32)


def impurity(beyond, labels, weights):
    total = 0.0
    for side in (beyond, ~beyond):
        n = weights[side].sum()
        p = (weights * labels)[side].sum() / n
        total += n * p * (1 - p)
    return total


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_split_is_that_of_scikit_learn(clouds, weighted, flip):
    from sklearn.tree import DecisionTreeClassifier

    x, labels, weights = clouds
    labels, weights = (1 - labels if flip else labels), weights if weighted else np.ones(len(x), np.float32)
    tree = DecisionTreeClassifier(max_depth=1).fit(x, labels, sample_weight=weights)
    node, losses = fitted(x, labels, weights)
    w, theta = node.hyperplane()
    assert w.abs().tolist() == np.eye(2)[tree.tree_.feature[0]].tolist()
    assert abs(theta) == pytest.approx(abs(tree.tree_.threshold[0]), abs=1e-5)
    outputs = node({"points": torch.from_numpy(x)})
    expected = tree.predict_proba(x)
    assert np.allclose(outputs.detach().numpy(), expected, atol=1e-6)
    squares = 0.5 * (expected[:, 1] - labels) ** 2
    assert losses[0].training == pytest.approx(np.average(squares, weights=weights), rel=1e-5)
    assert w.numpy() @ (x[labels == 1].mean(0) - x[labels == 0].mean(0)) > 0


def test_no_other_line_is_better_than_the_oblique_one(clouds):
    x, labels, weights = clouds
    node, _ = fitted(x, labels, weights, oblique=True)
    w, theta = node.hyperplane()
    assert torch.linalg.vector_norm(w).item() == pytest.approx(1.0)
    found = impurity(x @ w.numpy() > theta, labels, weights)
    rng = np.random.default_rng(1)
    assert found < impurity(x[:, 0] > 1.0, labels, weights)
    for _ in range(3000):
        angle, at = rng.uniform(0, 2 * np.pi), rng.uniform(-1, 2)
        beyond = x @ np.array([np.cos(angle), np.sin(angle)]) > at
        if 0 < beyond.sum() < len(x):  # its directions are half a degree apart: a random line may be better by a sample
            assert impurity(beyond, labels, weights) > 0.99 * found


def test_where_there_is_nothing_to_split_both_classes_are_equally_likely():
    node, _ = fitted(np.ones((6, 2), np.float32), np.arange(6) % 2)
    assert node({"points": torch.randn(4, 2)}).tolist() == [[0.5, 0.5]] * 4


def test_equal_values_stay_on_one_side():
    x = np.array([[0, 0], [0, 0], [0, 0], [1, 0]], np.float32)
    node, _ = fitted(x, np.array([0, 1, 1, 1]))
    assert node.hyperplane()[1] == 0.5
    assert node({"points": torch.from_numpy(x)})[:, 1].tolist() == pytest.approx([2 / 3] * 3 + [1.0])


@pytest.mark.parametrize("oblique", [False, True])
def test_samples_without_weight_change_nothing(clouds, oblique):
    x, labels, weights = clouds
    far = np.array([[-90, 0], [90, 0], [0, -90], [0, 90]], np.float32)
    more = np.vstack([x, far]), np.append(labels, [1, 0, 1, 0]), np.append(weights, np.zeros(4, np.float32))
    found, expected = (fitted(*data, oblique=oblique)[0] for data in (more, clouds))
    assert impurity(x @ found.weight.numpy() > found.threshold.item(), labels, weights) == pytest.approx(
        impurity(x @ expected.weight.numpy() > expected.threshold.item(), labels, weights)
    )


def test_an_oblique_node_is_for_two_features():
    component = ARCHITECTURES["decision_stump"]
    three = {"jet": InputGroup((3,), ("pt", "eta", "mass"))}
    component(component.Options(kind="decision_stump"), three, 2)
    with pytest.raises(UserError, match=r"architecture\.oblique: is for two features, found 3 in jet"):
        component(component.Options(kind="decision_stump", oblique=True), three, 2)
