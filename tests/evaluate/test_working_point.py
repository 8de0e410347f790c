"""Cuts of fixed efficiency and what passes them, beside closed forms, scikit-learn and loops over samples."""

from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from sklearn.metrics import roc_curve as sklearn_roc

from bevatron.config.sections.performance import VariableProfile
from bevatron.config.sections.task import Classification
from bevatron.evaluate.inspection.tagging import measure_in_bins, profile_curve
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.classes import discriminant_score
from bevatron.evaluate.statistics.measurement import wilson
from bevatron.evaluate.statistics.roc import ROC_GRID, roc_curve
from bevatron.evaluate.statistics.working_point import bin_edges, bin_numbers, cut_at, fractions_in_bins, passing

TASK = Classification(kind="classification", target="y", classes=["light", "beauty"], signal="beauty")
PROFILE = VariableProfile(title="pt", group="jet", feature="pt", n_bins=4)


def bootstrap_of(n, weights=None, events=None):
    return Bootstrap(np.arange(n) if events is None else events, 20, "m", weights)


def sample(seed, n=400, weighted=False, ties=False):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    score = rng.normal(labels, 1.0)
    if ties:
        score = np.round(score, 1)
    return labels, score, rng.exponential(20, n), rng.uniform(0.1, 3, n) if weighted else None


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
def test_a_cut_is_the_highest_of_all_that_keep_enough_of_the_signal(weighted, ties):
    labels, score, _, weights = sample(1, weighted=weighted, ties=ties)
    own = score[labels == 1]
    w = np.ones(len(own)) if weights is None else weights[labels == 1]
    for efficiency in (0.1, 0.5, 0.77, 0.999):
        kept = {cut: w[own >= cut].sum() / w.sum() for cut in np.unique(own)}
        expected = max(cut for cut, fraction in kept.items() if fraction >= efficiency)
        assert cut_at(own, efficiency, None if weights is None else w) == expected


@pytest.mark.parametrize("weighted", [False, True])
def test_a_curve_and_its_rejection_are_those_of_scikit_learn(weighted):
    labels, score, _, weights = sample(2, weighted=weighted, ties=True)
    of_class = {"light": labels == 0, "beauty": labels == 1}
    curve = roc_curve("beauty", [score, score + 1.0], of_class, bootstrap_of(len(labels), weights), 0.68)
    fpr, tpr, _ = sklearn_roc(labels, score, sample_weight=weights, drop_intermediate=False)
    expected = [fpr[np.argmax(tpr >= efficiency - 1e-9)] for efficiency in ROC_GRID]
    np.testing.assert_allclose(curve["backgrounds"]["light"], [expected, expected], rtol=1e-9)
    w = np.ones(len(labels)) if weights is None else weights
    own = w[labels == 0]
    low, high = wilson(np.array(expected), np.full(len(ROC_GRID), own.sum() ** 2 / (own @ own)), 0.68)
    np.testing.assert_allclose(curve["low"]["light"], low, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(curve["high"]["light"], high, rtol=1e-5)


def test_seeds_that_differ_widen_the_interval_of_their_mean():
    labels, score, _, _ = sample(3)
    of_class = {"light": labels == 0, "beauty": labels == 1}
    rng, book = np.random.default_rng(0), bootstrap_of(len(labels))
    scores = [score + rng.normal(0, 0.5, len(score)) for _ in range(3)]
    curve = roc_curve("beauty", scores, of_class, book, 0.68)
    kept = np.array(curve["backgrounds"]["light"])
    high = wilson(kept.mean(0), np.full(kept.shape[1], (labels == 0).sum()), 0.68)[1]
    of_seeds = kept.std(0, ddof=1) / np.sqrt(3)
    np.testing.assert_allclose(
        curve["high"]["light"], np.minimum(1, kept.mean(0) + np.hypot(high - kept.mean(0), of_seeds)), rtol=1e-5
    )


def test_of_gaussians_rejection_is_the_one_that_is_known():
    rng, n, shift = np.random.default_rng(4), 200_000, 1.5
    labels = np.repeat([0, 1], n)
    score = rng.normal(shift * labels, 1.0)
    of_class = {"light": labels == 0, "beauty": labels == 1}
    curve = roc_curve("beauty", [score], of_class, bootstrap_of(2 * n), 0.68)
    normal = NormalDist()
    for efficiency in (0.6, 0.7, 0.85):
        place = np.argmin(np.abs(ROC_GRID - efficiency))
        expected = 1 - normal.cdf(shift + normal.inv_cdf(1 - efficiency))
        assert curve["backgrounds"]["light"][0][place] == pytest.approx(expected, rel=0.02)
        assert curve["low"]["light"][place] < expected * 1.02
        assert curve["high"]["light"][place] > expected * 0.98


@pytest.mark.parametrize("weighted", [False, True])
def test_profiles_are_those_of_loops_over_bins(weighted):
    labels, score, x, weights = sample(5, weighted=weighted)
    book = bootstrap_of(len(labels), weights)
    curve = profile_curve(TASK, PROFILE, x, "beauty", [score], labels, book, [0.6], 0.68)
    w, edges = np.ones(len(x)) if weights is None else weights, curve["edges"]
    for kind in ("global", "per_bin"):
        for k, (low, high) in enumerate(pairwise(edges)):
            inside = (x >= low) & ((x < high) | (k == len(edges) - 2))
            among = labels == 1 if kind == "global" else (labels == 1) & inside
            cut = cut_at(score[among], 0.6, None if weights is None else w[among])
            for number, name in enumerate(TASK.classes):
                of_class = inside & (labels == number)
                expected = w[of_class & (score >= cut)].sum() / w[of_class].sum()
                found = curve["points"]["60"][kind][name]
                assert found["value"][k] == pytest.approx(expected, rel=1e-6)
                n = w[of_class].sum() ** 2 / (w[of_class] ** 2).sum()
                np.testing.assert_allclose(
                    (found["low"][k], found["high"][k]), wilson(expected, n, 0.68), rtol=1e-5, atol=1e-7
                )
    assert sum(map(sum, curve["samples"].values())) == len(x)


def test_cuts_of_each_bin_have_one_efficiency_and_a_global_one_has_it_on_average():
    labels, score, x, _ = sample(6, n=20_000)
    score = score + 0.03 * x  # easier at high x
    curve = profile_curve(TASK, PROFILE, x, "beauty", [score], labels, bootstrap_of(len(x)), [0.7], 0.68)
    flat = np.array(curve["points"]["70"]["per_bin"]["beauty"]["value"])
    overall = np.array(curve["points"]["70"]["global"]["beauty"]["value"])
    np.testing.assert_allclose(flat, 0.7, atol=1e-3)
    assert (np.diff(overall) > 0).all()
    assert np.average(overall, weights=curve["samples"]["beauty"]) == pytest.approx(0.7, abs=1e-3)


def test_bins_without_signal_or_of_one_class_and_values_that_are_none():
    labels, score, x, _ = sample(7)
    x = np.where(labels == 1, np.minimum(x, 9.9), x)  # above 10: background alone
    x[:5], x[5] = np.nan, np.inf
    profile = VariableProfile(title="pt", group="jet", feature="pt", bins=[-5.0, 0.0, 10.0, 1000.0])
    curve = profile_curve(TASK, profile, x, "beauty", [score, score], labels, bootstrap_of(len(x)), [0.7], 0.68)
    assert curve["left_out"] == 6
    assert curve["samples"]["beauty"][0] == curve["samples"]["light"][0] == 0
    overall, flat = curve["points"]["70"]["global"], curve["points"]["70"]["per_bin"]
    assert overall["beauty"]["value"][::2] == [None, None]
    assert overall["light"]["value"][0] is None
    assert overall["light"]["value"][2] is not None
    assert flat["light"]["value"][2] is None, "without signal there is no cut"
    assert flat["light"]["low"][2] is flat["light"]["high"][2] is None
    assert len(overall["light"]["per_seed"]) == 2


def test_where_all_scores_are_equal_everything_passes():
    labels, _, x, _ = sample(8)
    curve = profile_curve(TASK, PROFILE, x, "beauty", [np.zeros(len(x))], labels, bootstrap_of(len(x)), [0.3], 0.68)
    for kind in ("global", "per_bin"):
        assert curve["points"]["30"][kind]["light"]["value"] == [1.0] * 4
    book = bootstrap_of(len(x))
    kept = roc_curve("beauty", [np.zeros(len(x))], {"light": labels == 0, "beauty": labels == 1}, book, 0.68)
    assert set(kept["backgrounds"]["light"][0]) == {1.0}


def test_samples_of_one_event_count_as_fewer():
    labels, score, x, _ = sample(9)
    alone, together = (bootstrap_of(4 * len(x), events=events) for events in (None, np.repeat(np.arange(len(x)), 4)))
    rows, bins = np.repeat(labels == 0, 4), np.zeros(4 * len(x), int)
    passed = [np.repeat((score > 0.5).astype(float), 4)]
    narrow, wide = (fractions_in_bins(passed, rows, bins, 1, book, 0.68) for book in (alone, together))
    assert narrow["value"] == wide["value"]
    assert wide["high"][0] - wide["low"][0] == pytest.approx(2 * (narrow["high"][0] - narrow["low"][0]), rel=0.03)


def test_bins_hold_equal_numbers_and_a_constant_has_one():
    values = np.random.default_rng(0).exponential(1, 1000)
    edges = bin_edges(np.append(values, np.nan), None, 5)
    assert np.bincount(bin_numbers(values, edges)).tolist() == [200] * 5
    assert bin_edges(np.full(7, 3.0), None, 5).tolist() == [2.5, 3.5]
    assert bin_edges(np.full(7, np.nan), None, 5).tolist() == [0.0, 1.0]
    assert bin_numbers(np.array([0.0, 1.0, 2.0, 2.1, -1.0, np.nan]), np.array([0.0, 1.0, 2.0])).tolist() == [
        0, 1, 1, -1, -1, -1]  # fmt: skip


def test_a_discriminant_is_the_logarithm_of_probabilities_also_where_they_round_to_nothing():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (50, 3))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    found = discriminant_score(logits, ["l", "c", "b"], "b", {"c": 0.2, "l": 0.8})
    np.testing.assert_allclose(found, np.log(p[:, 2] / (0.2 * p[:, 1] + 0.8 * p[:, 0])))
    far = discriminant_score(np.array([[0.0, 0.0, 2000.0], [2000.0, 0.0, 0.0]]), ["l", "c", "b"], "b", {"l": 1.0})
    np.testing.assert_allclose(far, [2000.0, -2000.0])


def test_without_a_cut_nothing_is_said():
    passed = passing([np.array([1.0, 2.0])], np.array([False, False]), np.array([0, 0]), 1, 0.5, None)
    assert np.isnan(passed["global"][0]).all()
    found = fractions_in_bins(passed["global"], np.array([True, True]), np.array([0, 0]), 1, bootstrap_of(2), 0.68)
    assert found["value"] == [None]


@pytest.mark.parametrize("seed", range(12))
def test_profiles_do_not_depend_on_scale_order_or_units(seed):
    """All weights times a number, samples in another order, a score that rises with the score: nothing changes."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 120))
    labels, score = rng.integers(0, 2, n), np.round(rng.normal(0, 1, n), int(rng.integers(0, 3)))
    x, weights = rng.choice([np.nan, 0.5, 1.5, 2.5, 9.0], n), rng.uniform(0.2, 5, n)
    profile = PROFILE.model_copy(update={"bins": [0.0, 1.0, 2.0, 3.0]})

    def points(order, factor=1.0, stretch=1.0):
        book = bootstrap_of(n, factor * weights[order])
        scores = [stretch * np.arctan(score[order])] if stretch != 1 else [score[order]]
        return profile_curve(TASK, profile, x[order], "beauty", scores, labels[order], book, [0.4, 0.9], 0.9)["points"]

    plain = points(np.arange(n))
    for other in (points(rng.permutation(n)), points(np.arange(n), factor=7.3), points(np.arange(n), stretch=0.1)):
        for percent, kinds in plain.items():
            for kind, classes in kinds.items():
                for name, found in classes.items():
                    for key in ("value", "low", "high"):
                        np.testing.assert_allclose(
                            np.array(found[key], float),
                            np.array(other[percent][kind][name][key], float),
                            rtol=1e-5, atol=1e-6,
                        )  # fmt: skip
    for of in (found for kinds in plain.values() for classes in kinds.values() for found in classes.values()):
        value, low, high = (np.array(of[key], float) for key in ("value", "low", "high"))
        there = np.isfinite(value)
        assert ((low[there] >= 0) & (low[there] <= value[there] + 1e-9)).all()
        assert ((value[there] <= high[there] + 1e-9) & (high[there] <= 1)).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_fractions_in_bins_as_metrics_are_those_of_the_curve_and_their_errors_binomial(weighted):
    labels, score, x, weights = sample(5, n=3_000, weighted=weighted)
    bootstrap = bootstrap_of(len(labels), weights)
    x[:7] = np.nan
    edges = bin_edges(x, [0.0, 10.0, 20.0, 200.0], 3)
    bins = bin_numbers(x, edges)
    passed = passing([score, score + 0.1 * x], labels == 1, bins, 3, 0.7, weights)["global"]
    measured = measure_in_bins(passed, labels, TASK.classes, bins, 3, bootstrap, 0.68)
    assert set(measured) == {(name, number) for name in TASK.classes for number in (1, 2, 3)}
    for (name, number), measurement in measured.items():
        rows = labels == TASK.classes.index(name)
        curve = fractions_in_bins(passed, rows, bins, 3, bootstrap, 0.68)
        np.testing.assert_allclose(measurement.per_seed, np.array(curve["per_seed"])[:, number - 1], rtol=1e-6)
        inside = rows & (bins == number - 1)
        w = np.ones(len(labels)) if weights is None else weights
        size = w[inside].sum() ** 2 / (w[inside] ** 2).sum()
        replicas = np.array(measurement.replicas).std()
        p = measurement.value
        assert replicas == pytest.approx(np.sqrt(p * (1 - p) / size), rel=0.6)


def test_a_bin_without_samples_or_without_a_cut_has_no_metric():
    labels, _, x, _ = sample(6)
    bins = np.where(labels == 1, 0, bin_numbers(x, np.array([0.0, 20.0, 500.0])))
    passed = [np.where(bins == 0, 1.0, np.nan)]
    measured = measure_in_bins(passed, labels, TASK.classes, bins, 3, bootstrap_of(len(labels)), 0.68)
    assert set(measured) == {("light", 1), ("beauty", 1)}
