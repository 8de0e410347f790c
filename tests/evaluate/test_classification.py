"""Metrics of a classifier against scikit-learn and against what must be."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, roc_auc_score

from bevatron.config.sections.task import Classification
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.classes import log_probabilities, pairs_of
from bevatron.evaluate.tasks.classification import classification_curves, classification_metrics

TASK = Classification(kind="classification", target="flavour", classes=["light", "charm", "beauty"], signal="beauty")


@pytest.fixture(scope="module")
def tagged():
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 1500)
    logits = np.stack([2 * np.eye(3)[labels] + rng.normal(size=(1500, 3)) for _ in range(3)]).astype(np.float32)
    bootstrap = Bootstrap(np.arange(1500), 40, "a")
    return logits, labels, classification_metrics(TASK, logits, labels, bootstrap, 0.68)


def test_metrics_are_scikit_learns(tagged):
    logits, labels, metrics = tagged
    for seed, log_p in enumerate(log_probabilities(logits)):
        p = np.exp(log_p)
        assert np.isclose(metrics["accuracy"].per_seed[seed], accuracy_score(labels, p.argmax(1)))
        assert np.isclose(metrics["log_loss"].per_seed[seed], log_loss(labels, p))
        assert np.isclose(metrics["auc.beauty_vs_rest"].per_seed[seed], roc_auc_score(labels == 2, p[:, 2]))
        pair = labels != 1
        expected = roc_auc_score(labels[pair] == 2, (p[:, 2] / p[:, 0])[pair])
        assert np.isclose(metrics["auc.beauty_vs_light"].per_seed[seed], expected)


def test_every_pair_and_efficiency_is_measured(tagged):
    assert pairs_of(TASK) == [("beauty", "light"), ("beauty", "charm"), ("charm", "light")]
    _, _, metrics = tagged
    names = {"auc.charm_vs_light", "rejection.light.at_60", "rejection.charm.at_77", "class_accuracy.charm", "ece"}
    assert names <= set(metrics)
    assert metrics["rejection.light.at_60"].value > metrics["rejection.light.at_85"].value


def test_confusion_rows_add_up_and_match(tagged):
    logits, labels, metrics = tagged
    bootstrap = Bootstrap(np.arange(len(labels)), 2, "a")
    confusion = classification_curves(TASK, logits, labels, bootstrap, 0.68)["confusion"]
    fraction = np.array(confusion["fraction"])
    assert np.allclose(fraction.sum(axis=1), 1)
    expected = np.mean([confusion_matrix(labels, x.argmax(1), normalize="true") for x in logits], axis=0)
    assert np.allclose(fraction, expected)
    diagonal = [metrics[f"class_accuracy.{name}"].value for name in TASK.classes]
    assert np.allclose(np.diag(fraction), diagonal)


def test_saturated_outputs_keep_their_order():
    """Probabilities that round to 1 for both classes still rank by their logits."""
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 3, 300)
    logits = (60 * np.eye(3)[labels] + 8 * rng.normal(size=(300, 3)))[None].astype(np.float32)
    logits[0, labels == 0, 2] += 105.0
    metrics = classification_metrics(TASK, logits, labels, Bootstrap(np.arange(300), 20, "a"), 0.68)
    assert 0.7 < metrics["auc.beauty_vs_light"].value < 0.95
    assert 5 < metrics["log_loss"].value < 50


def test_perfect_tagger_has_no_rejection_but_an_auc():
    labels = np.arange(300) % 3
    logits = 9.0 * np.eye(3)[labels][None]
    metrics = classification_metrics(TASK, logits, labels, Bootstrap(np.arange(300), 20, "a"), 0.68)
    assert metrics["auc.beauty_vs_rest"].value == 1.0
    assert metrics["accuracy"].value == 1.0
    assert metrics["accuracy"].low < 1.0  # Wilson: 300 right ones are no proof of perfection
    assert metrics["rejection.light.at_77"].value is None


WITH_FRACTIONS = Classification(**TASK.model_dump() | {"background_fractions": {"light": 4.0, "charm": 1.0}})


def test_a_stated_composition_is_that_of_weights(tagged):
    """scikit-learn's weighted area, with weights that make the backgrounds 80 : 20, by the likelihood ratio to it."""
    logits, labels, _ = tagged
    metrics = classification_metrics(WITH_FRACTIONS, logits, labels, Bootstrap(np.arange(len(labels)), 20, "a"), 0.68)
    weights = (np.array([0.8, 0.2, 1.0]) / np.bincount(labels))[labels]
    for seed, log_p in enumerate(log_probabilities(logits)):
        p = np.exp(log_p)
        score = p[:, 2] / (0.8 * p[:, 0] + 0.2 * p[:, 1])
        expected = roc_auc_score(labels == 2, score, sample_weight=weights)
        assert np.isclose(metrics["auc.beauty_vs_rest"].per_seed[seed], expected, rtol=1e-12)


def test_a_background_leaves_out_classes_without_a_fraction(tagged):
    logits, labels, metrics = tagged
    only = Classification(**TASK.model_dump() | {"background_fractions": {"light": 1.0, "charm": 0.0}})
    found = classification_metrics(only, logits, labels, Bootstrap(np.arange(len(labels)), 20, "a"), 0.68)
    assert np.allclose(found["auc.beauty_vs_rest"].per_seed, metrics["auc.beauty_vs_light"].per_seed, rtol=1e-12)


def test_the_bootstrap_of_a_composition_follows_the_classes_areas(tagged):
    logits, labels, _ = tagged
    bootstrap = Bootstrap(np.arange(len(labels)), 40, "a")
    equal = Classification(**TASK.model_dump() | {"background_fractions": {"light": 1.0, "charm": 1.0}})
    found = classification_metrics(equal, logits, labels, bootstrap, 0.68)["auc.beauty_vs_rest"]
    assert 0.0 < found.high - found.low < 0.05
    assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"beauty": 1.0}, "no background"),
        ({"strange": 1.0}, "no background"),
        ({"light": 0.0}, "above 0"),
        ({}, "above 0"),
    ],
)
def test_fractions_are_those_of_backgrounds(fractions, message):
    with pytest.raises(ValueError, match=message):
        Classification(**TASK.model_dump() | {"background_fractions": fractions})
