"""AUC and rejection against scikit-learn and against closed forms."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.ranking import Ranking


@pytest.fixture
def tied():
    """Scores with many ties, three classes, of which the third is left out."""
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 900)
    return np.round(rng.normal(labels * 0.4, 1.0), 1), labels


def test_auc_of_every_replica_is_scikit_learns_with_weights(tied):
    score, labels = tied
    bootstrap = Bootstrap(np.arange(900), 20, "a")
    found = Ranking(score, labels == 1, labels == 0).auc(bootstrap)
    kept = labels < 2
    expected = [roc_auc_score(labels[kept], score[kept], sample_weight=w[kept]) for w in bootstrap.weights().T]
    assert np.allclose(found, expected, atol=1e-12)


def test_auc_of_two_gaussians_is_known():
    rng = np.random.default_rng(5)
    n, distance = 40_000, 1.3
    labels = np.arange(n) % 2
    found = Ranking(rng.normal(distance * labels), labels == 1, labels == 0).auc(Bootstrap(np.arange(n), 50, "a"))
    expected = norm.cdf(distance / np.sqrt(2))
    assert abs(found[0] - expected) < 4 * found[1:].std()
    assert found[1:].std() < 0.004


@pytest.mark.parametrize("block", [1, 7, 64])
@pytest.mark.parametrize("steps", [1, 2, 30, 10_000])
def test_steps_of_equal_scores_across_blocks(steps, block, monkeypatch):
    """All scores alike, two steps longer than many blocks, and none alike: the same numbers from any blocks."""
    monkeypatch.setattr("bevatron.evaluate.statistics.bootstrap._BLOCK", block)
    rng = np.random.default_rng(6)
    score, signal = rng.integers(0, steps, 300) / 7, rng.uniform(size=300) < 0.4
    ranking, bootstrap = Ranking(score, signal, ~signal), Bootstrap(np.arange(300) // 2, 12, "a")
    found, rejections = ranking.auc(bootstrap), ranking.rejection(bootstrap, [0.5, 1.0])
    for replica, weights in enumerate(bootstrap.weights().T):
        drawn = weights > 0
        assert np.isclose(found[replica], roc_auc_score(signal[drawn], score[drawn], sample_weight=weights[drawn]))
        background, kept, _ = roc_curve(signal, score, sample_weight=weights, drop_intermediate=False)
        expected = [1 / background[np.argmax(kept >= e - 1e-12)] for e in (0.5, 1.0)]
        assert np.allclose(rejections[replica], expected)
    monkeypatch.undo()
    assert (ranking.auc(bootstrap) == found).all()
    assert (ranking.rejection(bootstrap, [0.5, 1.0]) == rejections).all()


def test_only_the_order_of_scores_matters(tied):
    score, labels = tied
    bootstrap = Bootstrap(np.arange(900), 3, "a")
    plain, bent = (Ranking(s, labels == 1, labels == 0).auc(bootstrap) for s in (score, np.arctan(3 * score)))
    assert (plain == bent).all()


def test_exchanging_signal_and_background_mirrors_the_auc(tied):
    score, labels = tied
    bootstrap = Bootstrap(np.arange(900), 10, "a")
    one, other = (Ranking(score, labels == a, labels == b).auc(bootstrap) for a, b in ((1, 0), (0, 1)))
    assert np.allclose(one + other, 1)


def test_rejection_of_every_replica_is_scikit_learns(tied):
    score, labels = tied
    bootstrap = Bootstrap(np.arange(900), 10, "a")
    efficiencies = [0.6, 0.77, 0.85]
    found = Ranking(score, labels == 2, labels == 0).rejection(bootstrap, efficiencies)
    kept = labels != 1
    for row, weights in zip(found, bootstrap.weights().T, strict=True):
        background, signal, _ = roc_curve(
            labels[kept] == 2, score[kept], sample_weight=weights[kept], drop_intermediate=False
        )
        expected = [1 / background[np.argmax(signal >= e - 1e-12)] for e in efficiencies]
        assert np.allclose(row, expected)


def test_perfect_separation_has_no_finite_rejection():
    score = np.arange(100.0)
    found = Ranking(score, score >= 50, score < 50).rejection(Bootstrap(np.arange(100), 5, "a"), [0.7])
    assert np.isinf(found).all()


def test_curve_for_drawing_agrees_with_the_rejection(tied):
    score, labels = tied
    ranking = Ranking(score, labels == 2, labels == 0)
    kept = ranking.background_at(np.array([0.6, 0.85, 1.0]))
    assert np.allclose(1 / kept[:2], ranking.rejection(Bootstrap(np.arange(900), 2, "a"), [0.6, 0.85])[0])
    assert kept[2] <= 1.0


def test_samples_without_a_score_rank_last():
    score = np.array([1.0, 0.0, -np.inf, -np.inf])
    signal = np.array([True, False, True, False])
    # pairs: 1 > 0, 1 > missing, missing < 0, missing = missing
    assert Ranking(score, signal, ~signal).auc(Bootstrap(np.arange(4), 1, "a"))[0] == (1 + 1 + 0 + 0.5) / 4


def test_replica_without_a_class_has_no_auc():
    score, signal = np.arange(20.0), np.arange(20) == 19
    found = Ranking(score, signal, ~signal).auc(Bootstrap(np.arange(20), 50, "a"))
    assert found[0] == 1.0
    assert np.isnan(found).any()  # one sample of 20 is missed by a third of the replicas
