"""Trees kept as tensors predict what scikit-learn's own do."""

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from bevatron.compute.numerics.devices import deterministic
from bevatron.models.architectures.boosted_trees import BoostedTrees
from bevatron.models.closed_form import ClosedFormModel, Labelled
from bevatron.models.layers.inputs import InputGroup, Padded

GROUPS = {"jet": InputGroup((3,), tuple("abc")), "tracks": InputGroup((2, 2), ("d0", "z0"), is_ragged=True)}


def events(n, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_classes, n)
    jet = rng.normal(size=(n, 3)) + np.outer(labels, [0.5, -0.3, 0.0])
    n_valid = rng.integers(0, 3, n)
    tracks = rng.normal(size=(n, 2, 2)) * (np.arange(2) < n_valid[:, None])[:, :, None]
    inputs = {
        "jet": torch.tensor(jet, dtype=torch.float32),
        "tracks": Padded(torch.tensor(tracks, dtype=torch.float32), torch.tensor(n_valid)),
    }
    return inputs, torch.tensor(labels)


@pytest.fixture(autouse=True)
def one_thread():
    with deterministic(1), threadpool_limits(1):
        yield


def build(n_classes, **options):
    return BoostedTrees(BoostedTrees.Options(kind="boosted_trees", **options), GROUPS, n_classes)


def grown(n_classes, keep_best=False, seed=5, weights=None, **options):
    network = build(n_classes, **options)
    inputs, labels = events(2500, n_classes)
    rows = network.rows(inputs)
    training = Labelled(rows, labels, torch.ones(len(labels)) if weights is None else weights(labels))
    others, other_labels = events(1200, n_classes, seed=1)
    validation = Labelled(network.rows(others), other_labels, torch.ones(len(other_labels)))
    return network, network.fit_closed_form(training, validation, seed, keep_best), training, others, other_labels


def scikit(training, rounds, **options):
    reference = HistGradientBoostingClassifier(max_iter=rounds, early_stopping=False, random_state=5, **options)
    return reference.fit(training.rows.numpy(), training.labels.numpy(), training.weights.double().numpy())


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_and_scores_are_scikit_learn_s(n_classes):
    network, _, training, inputs, _ = grown(n_classes, rounds=30, leaves=12, depth=5)
    reference = scikit(training, 30, max_leaf_nodes=12, max_depth=5)
    rows = network.rows(inputs).numpy()
    logits = network(inputs).double()
    assert torch.allclose(logits.softmax(1), torch.tensor(reference.predict_proba(rows)), atol=1e-6)
    scores = torch.tensor(reference.decision_function(rows))
    mine = logits[:, 1] - logits[:, 0] if n_classes == 2 else logits
    assert torch.allclose(mine, scores, atol=1e-6)


def test_deep_unbalanced_trees_are_walked_to_their_leaves():
    network, _, training, inputs, _ = grown(2, rounds=5, leaves=31, depth=20, samples_per_leaf=2)
    reference = scikit(training, 5, max_leaf_nodes=31, max_depth=20, min_samples_leaf=2)
    expected = torch.tensor(reference.predict_proba(network.rows(inputs).numpy()))
    assert torch.allclose(network(inputs).double().softmax(1), expected, atol=1e-6)


def test_losses_round_by_round_are_those_of_staged_predictions():
    network, losses, training, inputs, labels = grown(3, rounds=8)
    rows = network.rows(inputs).numpy()
    staged = [p[np.arange(len(labels)), labels] for p in scikit(training, 8, max_depth=6).staged_predict_proba(rows)]
    assert [pair.validation for pair in losses] == pytest.approx([-np.log(p).mean() for p in staged], abs=1e-6)


def test_keeping_the_best_drops_the_rounds_after_it():
    network, losses, training, inputs, _ = grown(3, keep_best=True, rounds=40, learning_rate=0.2)
    validation = [pair.validation for pair in losses]
    best = int(np.argmin(validation))
    assert 0 < best < 35
    assert len(losses) == 40
    reference = scikit(training, best + 1, learning_rate=0.2, max_depth=6)
    expected = torch.tensor(reference.predict_proba(network.rows(inputs).numpy()))
    assert torch.allclose(network(inputs).double().softmax(1), expected, atol=1e-6)


def test_weights_of_samples_are_given_to_the_trees():
    network, _, training, inputs, _ = grown(3, rounds=6, weights=lambda labels: 1.0 + 4.0 * (labels == 2))
    expected = torch.tensor(scikit(training, 6, max_depth=6).predict_proba(network.rows(inputs).numpy()))
    assert torch.allclose(network(inputs).double().softmax(1), expected, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_sizes_follow_from_the_options_alone(n_classes):
    fresh = build(n_classes, rounds=9, leaves=8, depth=4)
    network, *_ = grown(n_classes, rounds=9, leaves=8, depth=4)
    assert {k: v.shape for k, v in fresh.state_dict().items()} == {k: v.shape for k, v in network.state_dict().items()}
    assert fresh.feature.shape == (9 * (1 if n_classes == 2 else 3), 15)
    again = build(n_classes, rounds=9, leaves=8, depth=4)
    again.load_state_dict(network.state_dict())
    inputs, _ = events(50, n_classes, seed=3)
    assert torch.equal(again(inputs), network(inputs))


def test_the_same_seed_gives_the_same_bits_and_all_numbers_that_were_fitted_are_counted():
    one, *_ = grown(2, rounds=4)
    two, *_ = grown(2, rounds=4)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    training = grown(2, rounds=4)[2]
    trees = [tree for round_ in scikit(training, 4, max_depth=6)._predictors for tree in round_]
    assert isinstance(one, ClosedFormModel)
    assert one.n_fitted() == sum(len(tree.nodes) for tree in trees) + 1  # a number in each node, and the baseline
