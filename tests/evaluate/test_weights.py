"""Metrics of samples with weights: scikit-learn's, repeated samples', and the same whatever their scale."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    log_loss,
    mean_squared_error,
    r2_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from bevatron.config.sections.task import Classification, Detection
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.calibration import reliability
from bevatron.evaluate.statistics.classes import log_probabilities, pair_score
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.tasks.classification import classification_curves, classification_metrics
from bevatron.evaluate.tasks.detection import detection_curves, detection_metrics
from bevatron.evaluate.tasks.reconstruction import reconstruction_metrics
from bevatron.evaluate.tasks.regression import regression_curves, regression_metrics

TASK = Classification(kind="classification", target="flavour", classes=["light", "charm", "beauty"], signal="beauty")
N = 900
INTEGERS = np.resize([1.0, 0.0, 2.0, 1.0, 3.0], N)
REPEATED = np.repeat(np.arange(N), INTEGERS.astype(int))


@pytest.fixture(scope="module")
def tagged():
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, N)
    logits = np.round(2 * np.eye(3)[labels] + rng.normal(size=(1, N, 3)), 1).astype(np.float32)  # rounded: with ties
    return logits, labels, rng.gamma(2.0, 1.0, N)


def bootstrap_of(weights, replicas=30, events=None):
    return Bootstrap(np.arange(N) if events is None else events, replicas, "a", weights)


def check_alike(one, other, name):
    for found, expected in (([one.value], [other.value]), (one.replicas, other.replicas)):
        np.testing.assert_allclose(np.array(found, float), np.array(expected, float), rtol=1e-5, err_msg=name)


def test_metrics_are_scikit_learns(tagged):
    logits, labels, weights = tagged
    metrics = classification_metrics(TASK, logits, labels, bootstrap_of(weights), 0.68)
    p = np.exp(log_probabilities(logits[0]))
    value = {name: m.value for name, m in metrics.items()}
    assert value["accuracy"] == pytest.approx(accuracy_score(labels, p.argmax(1), sample_weight=weights))
    assert value["log_loss"] == pytest.approx(log_loss(labels, p, sample_weight=weights))
    recalls = recall_score(labels, p.argmax(1), average=None, sample_weight=weights)
    assert [value[f"class_accuracy.{name}"] for name in TASK.classes] == pytest.approx(recalls.tolist())
    expected = roc_auc_score(labels == 2, p[:, 2], sample_weight=weights)
    assert value["auc.beauty_vs_rest"] == pytest.approx(expected, rel=2e-5)  # probabilities of tied scores round
    pair = labels != 1
    score = pair_score(logits[0], 2, 0)[pair]
    expected = roc_auc_score(labels[pair] == 2, score, sample_weight=weights[pair])
    assert value["auc.beauty_vs_light"] == pytest.approx(expected)
    confusion = classification_curves(TASK, logits, labels, bootstrap_of(weights), 0.68)["confusion"]
    assert np.allclose(
        confusion["fraction"], confusion_matrix(labels, p.argmax(1), normalize="true", sample_weight=weights)
    )


def test_rejections_are_those_of_scikit_learns_curve(tagged):
    logits, labels, weights = tagged
    signal, background = labels == 2, labels == 0
    some = signal | background
    score = logits[0, :, 2].astype(np.float64)
    rates = roc_curve(signal[some], score[some], sample_weight=weights[some], drop_intermediate=False)
    ranking, efficiencies = Ranking(score, signal, background), [0.3, 0.6, 0.85]
    found = ranking.rejection(bootstrap_of(weights), efficiencies)[0]
    expected = [rates[0][np.argmax(rates[1] >= e)] for e in efficiencies]
    assert 1 / found == pytest.approx(expected)
    assert ranking.background_at(np.array(efficiencies), weights) == pytest.approx(expected)


def test_integer_weights_are_repeated_samples(tagged):
    """Of all replicas, as copies of a sample are of one event, which is drawn with all of them."""
    logits, labels, _ = tagged
    by_weight = bootstrap_of(INTEGERS)
    by_copies = Bootstrap(REPEATED, 30, "a")
    one = classification_metrics(TASK, logits, labels, by_weight, 0.68)
    other = classification_metrics(TASK, logits[:, REPEATED], labels[REPEATED], by_copies, 0.68)
    for name, metric in one.items():
        check_alike(metric, other[name], name)
    curves = classification_curves(TASK, logits, labels, by_weight, 0.68)
    copied = classification_curves(TASK, logits[:, REPEATED], labels[REPEATED], by_copies, 0.68)
    assert np.allclose(curves["confusion"]["fraction"], copied["confusion"]["fraction"])
    for name in TASK.classes:
        assert np.allclose(curves["score"]["classes"][name], copied["score"]["classes"][name])
        for key in ("predicted", "observed"):
            assert np.allclose(curves["calibration"][name][key], copied["calibration"][name][key])
    assert np.allclose(curves["roc"]["backgrounds"]["light"], copied["roc"]["backgrounds"]["light"])


def test_regressions_and_images_too():
    rng = np.random.default_rng(1)
    target, predicted = rng.normal(size=N), rng.normal(size=(2, N))
    truth, images = target + 0.1 * rng.normal(size=N), rng.normal(size=(3, N, 6))
    by_weight, by_copies = bootstrap_of(INTEGERS), Bootstrap(REPEATED, 30, "a")
    pairs = [
        (
            regression_metrics(predicted, target, truth, by_weight, 0.68),
            regression_metrics(predicted[:, REPEATED], target[REPEATED], truth[REPEATED], by_copies, 0.68),
        ),
        (
            reconstruction_metrics(images[:1], images[1], images[2], by_weight, 0.68),
            reconstruction_metrics(images[:1, REPEATED], images[1, REPEATED], images[2, REPEATED], by_copies, 0.68),
        ),
    ]
    for one, other in pairs:
        for name in one.keys() - {"psnr"}:
            check_alike(one[name], other[name], name)
    expected = mean_squared_error(target, predicted[0], sample_weight=INTEGERS)
    assert pairs[0][0]["rmse"].per_seed[0] ** 2 == pytest.approx(expected)
    around = 1 - pairs[0][0]["rmse"].per_seed[0] ** 2 / np.average(
        (target - np.average(target, weights=INTEGERS)) ** 2, weights=INTEGERS
    )
    assert around == pytest.approx(r2_score(target, predicted[0], sample_weight=INTEGERS))
    curves = regression_curves(predicted, target, truth, None, INTEGERS)["residuals"]
    edges = np.array(curves["edges"])
    assert np.allclose(
        curves["model"], np.mean([np.histogram((target - p)[REPEATED], edges)[0] for p in predicted], axis=0)
    )


def test_the_scale_and_samples_of_weight_zero_say_nothing(tagged):
    logits, labels, weights = tagged
    one = classification_metrics(TASK, logits, labels, bootstrap_of(weights), 0.68)
    scaled = classification_metrics(TASK, logits, labels, bootstrap_of(weights * 1e-7), 0.68)
    rng = np.random.default_rng(3)
    place = np.sort(rng.integers(0, N, 200))  # where the samples of weight zero are put
    more = Bootstrap(
        np.insert(np.arange(N), place, N + np.arange(200)), 30, "a", np.insert(weights, place, np.zeros(200))
    )
    labels_more = np.insert(labels, place, rng.integers(0, 3, 200))
    with_zeros = classification_metrics(
        TASK, np.insert(logits, place, rng.normal(size=(200, 3)), axis=1), labels_more, more, 0.68
    )
    for name, metric in one.items():
        for other in (scaled[name], with_zeros[name]):
            check_alike(metric, other, name)
            assert np.isclose(float(metric.error or 0), float(other.error or 0)), name


def test_negative_weights_have_the_area_over_all_pairs(tagged):
    """Brute force over all pairs; a cut is the first between different scores that keeps the fraction."""
    logits, labels, weights = tagged
    weights = np.where(np.arange(N) % 7 == 0, -weights, weights)
    score, signal, background = logits[0, :, 2], labels == 2, labels == 0
    above = (score[signal][:, None] > score[background]) + 0.5 * (score[signal][:, None] == score[background])
    pairs = np.outer(weights[signal], weights[background])
    ranking = Ranking(score, signal, background)
    assert ranking.auc(bootstrap_of(weights))[0] == pytest.approx((pairs * above).sum() / pairs.sum())
    found = ranking.rejection(bootstrap_of(weights), [0.5, 0.9, 0.99])[0]
    for efficiency, rejection in zip([0.5, 0.9, 0.99], found, strict=True):
        cuts = np.unique(score[signal])[::-1]
        kept = np.array([weights[signal & (score >= cut)].sum() for cut in cuts]) / weights[signal].sum()
        at = cuts[np.argmax(kept >= efficiency - 1e-9)]
        expected = weights[background].sum() / weights[background & (score >= at)].sum()
        assert rejection == pytest.approx(expected)
    metrics = classification_metrics(TASK, logits, labels, bootstrap_of(weights), 0.68)
    assert all(np.isfinite(m.value) for m in metrics.values())
    classification_curves(TASK, logits, labels, bootstrap_of(weights), 0.68)


def test_means_and_medians_of_all_replicas(tagged):
    _, _, weights = tagged
    values = np.random.default_rng(2).normal(size=N).round(1)
    bootstrap = bootstrap_of(weights, events=np.arange(N) // 2)
    of_replicas = bootstrap.weights()
    counts = Bootstrap(np.arange(N) // 2, 30, "a").weights()
    assert np.allclose(of_replicas, counts * weights[:, None])
    means, medians = bootstrap.mean(values), bootstrap.median(values)
    order = np.argsort(values, kind="stable")
    for k, w in enumerate(of_replicas.T):
        assert means[k] == pytest.approx(np.average(values, weights=w))
        summed = np.cumsum(w[order])
        assert medians[k] == values[order][np.argmax(summed >= summed[-1] / 2)]


def test_the_effective_size_covers_the_spread_of_weights():
    """A fraction's error by Wilson and by the bootstrap, of weights that have nothing to do with the value."""
    rng = np.random.default_rng(5)
    weights, right = rng.gamma(0.5, 1.0, N), (rng.random(N) < 0.8).astype(float)
    bootstrap = bootstrap_of(weights, replicas=800)
    size = bootstrap.effective_size(right)
    assert size == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    by_replicas = bootstrap.mean(right)[1:].std()
    p = np.average(right, weights=weights)
    assert np.sqrt(p * (1 - p) / size) == pytest.approx(by_replicas, rel=0.15)
    pairs = bootstrap_of(np.repeat(weights[::2], 2), events=np.arange(N) // 2)  # two alike are one
    alike = np.repeat(right[::2], 2)
    once = weights[::2].sum() ** 2 / (weights[::2] ** 2).sum()
    assert pairs.effective_size(alike) == pytest.approx(once, rel=0.01)


def test_histograms_have_errors_from_the_squares():
    values, weights = np.array([0.1, 0.2, 0.7]), np.array([2.0, 3.0, -1.0])
    bootstrap = Bootstrap(np.arange(3), 2, "a", weights)
    content, error = bootstrap.histogram(values, np.array([0.0, 0.5, 1.0]), np.ones(3, bool))
    assert content.tolist() == [5, -1]
    assert error == pytest.approx([np.sqrt(13), 1])


def test_a_bin_of_a_reliability_diagram_is_a_weighted_fraction():
    p, observed = np.array([0.12, 0.18, 0.55]), np.array([True, False, True])
    bootstrap = Bootstrap(np.arange(3), 2, "a", np.array([3.0, 1.0, 2.0]))
    points = reliability([p], observed, bootstrap, 0.68)
    assert points["observed"] == pytest.approx([0.75, 1.0])
    assert points["predicted"] == pytest.approx([(0.36 + 0.18) / 4, 0.55])
    assert points["samples"] == [2, 1]


def test_average_precision_is_scikit_learns():
    """One box an image, right or wrong, and recalls so many that COCO's hundred cannot be told from all."""
    rng = np.random.default_rng(6)
    n = 300
    weights, score = np.resize([1.0, 2.0, 0.0, 1.0], n), rng.random(n)
    true = np.tile([[0.1, 0.1, 0.4, 0.4, 0.0]], (n, 1, 1))
    right = rng.random(n) < score
    found = np.where(right[:, None], [[0.1, 0.1, 0.4, 0.4]], [[0.6, 0.6, 0.9, 0.9]])
    found = np.concatenate([found, score[:, None], np.zeros((n, 1))], axis=1)[None, :, None, :]
    task = Detection(kind="detection", target="boxes", classes=["a", "b"], ious=[0.5])
    rows = np.repeat(np.arange(n), weights.astype(int))
    by_weight = detection_metrics(task, found, true, Bootstrap(np.arange(n), 10, "a", weights), 0.68)
    by_copies = detection_metrics(task, found[:, rows], true[rows], Bootstrap(rows, 10, "a"), 0.68)
    for name, metric in by_weight.items():
        check_alike(metric, by_copies[name], name)
    recall = np.average(right, weights=weights)
    area = average_precision_score(right, score, sample_weight=weights) * recall
    assert by_weight["ap50.a"].value == pytest.approx(area, abs=0.02)
    curves = detection_curves(task, found, true, np.arange(n), weights)["precision"]["classes"]["a"]
    assert curves[0] == pytest.approx(
        detection_curves(task, found[:, rows], true[rows], rows)["precision"]["classes"]["a"][0], abs=1e-4
    )
