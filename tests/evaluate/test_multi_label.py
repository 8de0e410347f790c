"""Metrics of labels that do not exclude one another, beside scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as reference

from bevatron.config.sections.task import MultiLabel
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.label_precision import label_average_precision
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.tasks.multi_label import multi_label_curves, multi_label_metrics, sigmoid

RNG = np.random.default_rng(6)
NAMES = ("b", "c, or d", "rare")
TASK = MultiLabel(kind="multi_label", target="tags", threshold=0.4, thresholds={"rare": 0.1})
THRESHOLDS = np.array([0.4, 0.4, 0.1])
N = 1500
LABELS = RNG.uniform(size=(N, 3)) < [0.5, 0.3, 0.04]
LOGITS = (RNG.normal(size=(2, N, 3)) + 2 * LABELS - [0.5, 1.5, 3]).astype(np.float32)
LOGITS[:, ::5] = np.round(LOGITS[:, ::5])  # equal scores
BOOTSTRAP = Bootstrap(np.arange(N), 30, "a")


def measured(bootstrap=BOOTSTRAP, rows=np.s_[:]):
    return multi_label_metrics(TASK, NAMES, LOGITS[:, rows], LABELS[rows], bootstrap, 0.68)


@pytest.mark.parametrize("weights", [None, RNG.uniform(0.1, 3, N)], ids=["alike", "weighted"])
def test_metrics_are_scikit_learns(weights):
    found = measured(Bootstrap(np.arange(N), 20, "a", weights))
    for seed, logits in enumerate(LOGITS):
        p = sigmoid(logits.astype(float))
        said = p >= THRESHOLDS
        means = dict.fromkeys(("auc", "average_precision", "log_loss", "brier"), 0.0)
        for k, name in enumerate(NAMES):
            y, q, kwargs = LABELS[:, k], p[:, k], {"sample_weight": weights}
            expected = {
                "auc": reference.roc_auc_score(y, logits[:, k], **kwargs),
                "average_precision": reference.average_precision_score(y, logits[:, k], **kwargs),
                "log_loss": reference.log_loss(y, q, **kwargs),
                "brier": reference.brier_score_loss(y, q, **kwargs),
                "accuracy": reference.accuracy_score(y, said[:, k], **kwargs),
                "precision": reference.precision_score(y, said[:, k], **kwargs),
                "recall": reference.recall_score(y, said[:, k], **kwargs),
            }
            for metric, value in expected.items():
                assert found[f"{metric}.{name}"].per_seed[seed] == pytest.approx(value, rel=1e-6), (metric, name)
                if metric in means:
                    means[metric] += value / 3
        for metric, value in means.items():
            assert found[metric].per_seed[seed] == pytest.approx(value, rel=1e-6)
        whole = reference.accuracy_score(LABELS, said, sample_weight=weights)
        assert found["subset_accuracy"].per_seed[seed] == pytest.approx(whole)
        wrong = reference.hamming_loss(LABELS, said, sample_weight=weights)
        assert found["hamming_loss"].per_seed[seed] == pytest.approx(wrong)


def test_average_precision_of_a_replica_is_that_of_its_samples():
    ranking = Ranking(LOGITS[0, :, 1].astype(float), LABELS[:, 1], ~LABELS[:, 1])
    found = label_average_precision(ranking, BOOTSTRAP)
    counts = BOOTSTRAP.weights()
    for replica in range(31):
        rows = np.repeat(np.arange(N), counts[:, replica])
        expected = reference.average_precision_score(LABELS[rows, 1], LOGITS[0, rows, 1])
        assert found[replica] == pytest.approx(expected, rel=1e-9)


def test_equal_scores_across_blocks_are_one_step():
    labels = np.arange(5000) % 3 == 0
    found = label_average_precision(Ranking(np.zeros(5000), labels, ~labels), Bootstrap(np.arange(5000), 20, "a"))
    assert found[0] == pytest.approx(labels.mean())


def test_the_calibration_error_is_that_of_bins():
    p = sigmoid(LOGITS[0, :, 0].astype(float))
    bins = np.minimum((p * 15).astype(int), 14)
    expected = sum(abs((LABELS[bins == b, 0] - p[bins == b]).sum()) for b in range(15)) / N
    assert measured()["ece.b"].per_seed[0] == pytest.approx(expected)


def test_a_label_that_all_have_has_no_area_and_costs_nothing_else():
    labels = LABELS.copy()
    labels[:, 0] = True
    labels[:, 2] = False
    found = multi_label_metrics(TASK, NAMES, LOGITS, labels, BOOTSTRAP, 0.68)
    assert found["auc.b"].value is None
    assert found["auc"].value is None
    assert found["average_precision.rare"].value is None
    assert found["auc.c, or d"].value == pytest.approx(measured()["auc.c, or d"].value)
    assert found["hamming_loss"].value is not None
    curves = multi_label_curves(TASK, NAMES, LOGITS, labels, BOOTSTRAP, 0.68)
    assert set(curves["roc"]["labels"]) == {"c, or d"}


def test_extreme_logits_and_thresholds_are_finite():
    task = TASK.model_copy(update={"thresholds": {"b": 0.0, "rare": 1.0}})
    logits = np.sign(LOGITS) * 1e4
    found = multi_label_metrics(task, NAMES, logits, LABELS, BOOTSTRAP, 0.68)
    assert found["recall.b"].value == 1.0  # from the probability 0 on every sample is said to have it
    assert found["recall.rare"].value == 0.0  # the probability 1 is not reached
    assert np.isfinite(found["log_loss"].value)


def test_curves_hold_what_the_plots_need():
    curves = multi_label_curves(TASK, NAMES, LOGITS, LABELS, BOOTSTRAP, 0.68)
    assert curves["thresholds"] == {"b": 0.4, "c, or d": 0.4, "rare": 0.1}
    assert curves["samples"]["b"] == LABELS[:, 0].sum()
    kept, efficiency = np.array(curves["roc"]["labels"]["b"]), curves["roc"]["efficiency"]
    assert kept.shape == (2, len(efficiency))
    area = 1 - np.trapezoid(kept[0], efficiency)
    assert area == pytest.approx(reference.roc_auc_score(LABELS[:, 0], LOGITS[0, :, 0]), abs=0.02)
    for of_label in curves["score"]["labels"].values():
        assert sum(of_label["with"]) == pytest.approx(1)
