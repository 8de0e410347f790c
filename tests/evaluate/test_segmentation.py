"""Metrics of a segmentation against scikit-learn's, which counts pixels and not matrices, and by hand."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score, precision_score, recall_score

from bevatron.evaluate.predictions.pixels import confusion_of_images
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.tasks.segmentation import confusion, segmentation_metrics
from bevatron.store.readers.batch import RaggedBatch

CLASSES = ["track", "shower", "michel", "blip"]


def bootstrap(n, replicas=40, weights=None):
    return Bootstrap(np.arange(n), replicas, "a" * 64, weights)


@pytest.fixture(scope="module")
def drawn():
    """Pixels of 30 images, some without any: true numbers with -1 for none, and what two seeds say; no blip is true."""
    rng = np.random.default_rng(4)
    lengths = rng.integers(0, 40, 30)
    true = rng.choice([-1, 0, 1, 2], lengths.sum(), p=[0.1, 0.5, 0.3, 0.1])
    others = [rng.integers(0, 4, len(true)) for _ in range(2)]
    said = [np.where(rng.uniform(size=len(true)) < 0.7, np.maximum(true, 0), other) for other in others]
    return lengths, true, said


def counts_of(lengths, true, said):
    truth = RaggedBatch(torch.from_numpy(true.astype(np.int8)), torch.from_numpy(lengths))
    return np.stack([confusion_of_images(torch.from_numpy(s), truth, 4).numpy() for s in said])


def test_counts_and_metrics_are_those_of_scikit_learn(drawn):
    lengths, true, said = drawn
    counts = counts_of(*drawn)
    cut = np.cumsum(lengths)[:-1]
    for seed, predicted in enumerate(said):
        for k, (t, p) in enumerate(zip(np.split(true, cut), np.split(predicted, cut), strict=True)):
            expected = confusion_matrix(t[t >= 0], p[t >= 0], labels=range(4)) if (t >= 0).any() else np.zeros((4, 4))
            np.testing.assert_array_equal(counts[seed, k], expected)
    metrics = segmentation_metrics(CLASSES, counts.astype(np.float32), bootstrap(30), 0.68)
    known = true >= 0
    for name, score in (("iou", jaccard_score), ("recall", recall_score), ("precision", precision_score)):
        for k in range(3):
            of_seeds = [score(true[known], s[known], labels=[k], average=None)[0] for s in said]
            np.testing.assert_allclose(metrics[f"{name}.{CLASSES[k]}"].per_seed, of_seeds, rtol=1e-6)
    of_three = np.mean([metrics[f"iou.{name}"].value for name in CLASSES[:3]])
    assert metrics["mean_iou"].value == pytest.approx(of_three)
    assert metrics["accuracy"].value == pytest.approx(np.mean([(s == true)[known].mean() for s in said]))
    assert "iou.blip" not in metrics  # the split has none
    two = [known & (true < 2) & (s < 2) for s in said]
    expected = [np.mean([(s[m] == k)[true[m] == k].mean() for k in (0, 1)]) for s, m in zip(said, two, strict=True)]
    np.testing.assert_allclose(metrics["balanced_accuracy.track_vs_shower"].per_seed, expected, rtol=1e-6)


def test_the_error_is_that_of_whole_images(drawn):
    """All pixels of an image are right or wrong together: the accuracy's error is that of so many images, and not of
    so many pixels.
    """
    n, pixels = 400, 100
    right = np.random.default_rng(2).uniform(size=n) < 0.8
    counts = np.zeros((1, n, 4, 4), np.float32)
    counts[0, right, 0, 0], counts[0, ~right, 0, 1] = pixels, pixels
    measured = segmentation_metrics(CLASSES, counts, bootstrap(n, 400), 0.68)["accuracy"]
    p = right.mean()
    assert measured.value == pytest.approx(p)
    assert measured.error == pytest.approx(np.sqrt(p * (1 - p) / n), rel=0.15)


def test_weights_count_images(drawn):
    counts = counts_of(*drawn).astype(np.float32)
    weights = np.arange(30) % 3
    found = segmentation_metrics(CLASSES, counts, bootstrap(30, weights=weights.astype(float)), 0.68)
    again = segmentation_metrics(CLASSES, np.repeat(counts, weights, axis=1), bootstrap(int(weights.sum())), 0.68)
    for name, measured in found.items():
        assert measured.value == pytest.approx(again[name].value), name


def test_the_matrix_adds_up_and_a_missing_class_is_empty(drawn):
    matrix = confusion(counts_of(*drawn), bootstrap(30), 0.68)
    for k in range(3):
        assert sum(matrix["fraction"][k]) == pytest.approx(1, abs=1e-4)
        for low, value, high in zip(matrix["low"][k], matrix["fraction"][k], matrix["high"][k], strict=True):
            assert low <= value + 0.05
            assert high >= value - 0.05
    assert matrix["fraction"][3] == [None] * 4
    assert matrix["samples"] == [*np.bincount(drawn[1][drawn[1] >= 0], minlength=3).tolist(), 0]
