"""Sums of auxiliary tasks: against scikit-learn on repeated samples, whatever the parts in which they come."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score, roc_auc_score

from bevatron.config.sections.performance import VertexFinding
from bevatron.evaluate.auxiliary.elements import ElementSums, _log_odds, element_curves, element_series
from bevatron.evaluate.auxiliary.numbers import Numbers, number_results
from bevatron.evaluate.auxiliary.sums import BINS, ReplicaWeights, area_under_curve, score_bins
from bevatron.evaluate.auxiliary.vertices import PairLogits, VertexSums, vertex_series
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.series import measure_series

CLASSES = ("fake", "primary", "from_b")
N, REPLICAS = 400, 6


@pytest.fixture(scope="module")
def elements():
    """Lists of 0 to 8 elements; logits that tell the classes apart somewhat, every ninth element without a class."""
    rng = np.random.default_rng(8)
    lengths = rng.integers(0, 9, N)
    labels = rng.integers(0, 3, lengths.sum())
    logits = rng.normal(0, 1.5, (len(labels), 3)) + 2.0 * (labels[:, None] == np.arange(3))
    labels[::9] = -1
    return logits.astype(np.float32), labels, lengths


def summed(elements, bootstrap, parts=(N,), classes=3):
    logits, labels, lengths = elements
    sums, first, element = ElementSums.zero(classes, REPLICAS + 1), 0, 0
    for n in parts:
        of_part = lengths[first : first + n]
        rows = slice(element, element + of_part.sum())
        sums.add(logits[rows], labels[rows], of_part, ReplicaWeights(bootstrap, first, n))
        first, element = first + n, rows.stop
    return sums


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_elements_are_scikit_learns_on_repeated_samples(elements, weighted):
    logits, labels, lengths = elements
    own = np.resize([1.0, 0.5, 2.0, 0.0], N) if weighted else None
    bootstrap = Bootstrap(np.arange(N) // 2, REPLICAS, "a", own)
    sums = summed(elements, bootstrap)
    series = element_series([sums], CLASSES).values
    within = (sums.scores / sums.scores.sum(axis=2, keepdims=True)).prod(axis=1).sum(axis=1) / 2  # most that bins cost
    assert within.max() < 0.01
    weights = np.repeat(bootstrap.weights().astype(float), lengths, axis=0)
    known = labels >= 0
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    predicted = p.argmax(1)
    for replica in range(REPLICAS + 1):
        w = weights[known, replica]
        arguments = labels[known], predicted[known]
        assert np.isclose(series["accuracy"][0][replica], accuracy_score(*arguments, sample_weight=w))
        recall = recall_score(*arguments, average=None, sample_weight=w)
        precision = precision_score(*arguments, average=None, sample_weight=w)
        for k, name in enumerate(CLASSES):
            assert np.isclose(series[f"class_accuracy.{name}"][0][replica], recall[k])
            assert np.isclose(series[f"purity.{name}"][0][replica], precision[k])
            exact = roc_auc_score(labels[known] == k, p[known, k], sample_weight=w)
            assert np.isclose(series[f"auc.{name}_vs_rest"][0][replica], exact, rtol=0, atol=within[k, replica])


def test_confusion_matrix_is_scikit_learns(elements):
    logits, labels, _ = elements
    bootstrap, known = Bootstrap(np.arange(N), REPLICAS, "a"), labels >= 0
    curve = element_curves([summed(elements, bootstrap)], CLASSES, 0.68)["confusion"]
    expected = confusion_matrix(labels[known], logits[known].argmax(1))
    assert np.allclose(curve["fraction"], expected / expected.sum(1, keepdims=True))
    assert curve["samples"] == expected.sum(1).tolist()
    assert (np.array(curve["low"]) <= curve["high"]).all()


@pytest.mark.parametrize("parts", [(1,) * N, (7, 0, 93, 300), (399, 1)])
def test_parts_do_not_matter(elements, parts):
    bootstrap = Bootstrap(np.arange(N), REPLICAS, "a")
    whole, in_parts = summed(elements, bootstrap), summed(elements, bootstrap, parts)
    for name in ("confusion", "scores", "elements", "samples"):
        assert np.array_equal(getattr(whole, name), getattr(in_parts, name)), name


def test_sums_of_two_halves_add_up(elements):
    logits, labels, lengths = elements
    bootstrap, half = Bootstrap(np.arange(N), REPLICAS, "a"), N // 2
    element = lengths[:half].sum()
    one, other = (ElementSums.zero(3, REPLICAS + 1) for _ in range(2))
    one.add(logits[:element], labels[:element], lengths[:half], ReplicaWeights(bootstrap, 0, half))
    other.add(logits[element:], labels[element:], lengths[half:], ReplicaWeights(bootstrap, half, half))
    assert np.array_equal((one + other).scores, summed(elements, bootstrap).scores)


def test_a_class_that_no_element_has_gives_no_numbers(elements):
    logits, labels, lengths = elements
    bootstrap = Bootstrap(np.arange(N), REPLICAS, "a")
    sums = summed((logits, np.where(labels == 1, -1, labels), lengths), bootstrap)
    measured = measure_series(element_series([sums, sums], CLASSES), 0.68)
    assert measured["class_accuracy.primary"].value is None
    assert measured["auc.primary_vs_rest"].value is None
    assert measured["purity.primary"].value == 0.0  # some are predicted as it, wrongly
    assert 0 < measured["class_accuracy.fake"].value < 1
    assert element_curves([sums], CLASSES, 0.68)["confusion"]["fraction"][1] == [None] * 3


def test_lists_without_elements_change_nothing(elements):
    logits, labels, lengths = elements
    bootstrap = Bootstrap(np.arange(2 * N), REPLICAS, "a")
    with_empty = np.concatenate([lengths, np.zeros(N, int)])
    sums = summed((logits, labels, with_empty), bootstrap, (N, N))
    assert np.array_equal(sums.confusion, summed(elements, bootstrap).confusion)


def test_a_perfect_class_has_an_interval_of_some_length():
    labels = np.arange(60) % 3
    logits = 9.0 * (labels[:, None] == np.arange(3))
    bootstrap = Bootstrap(np.arange(30), REPLICAS, "a")
    sums = ElementSums.zero(3, REPLICAS + 1)
    sums.add(logits, labels, np.full(30, 2), ReplicaWeights(bootstrap, 0, 30))
    measured = measure_series(element_series([sums], CLASSES), 0.68)["class_accuracy.from_b"]
    assert measured.value == measured.high == 1.0
    assert 0.9 < measured.low < 1.0


def test_the_area_of_bins_is_near_the_exact_one_and_exact_for_ties():
    rng = np.random.default_rng(0)
    score = np.concatenate([rng.normal(1, 2, 3000), rng.normal(0, 2, 5000)])
    signal = np.arange(8000) < 3000
    counts = [np.bincount(score_bins(score[rows]), minlength=BINS)[:, None].astype(float) for rows in (signal, ~signal)]
    assert np.isclose(area_under_curve(*counts)[0], roc_auc_score(signal, score), atol=1e-4)
    same = np.ones((BINS, 1))
    assert area_under_curve(same, same)[0] == 0.5
    assert np.isnan(area_under_curve(same, 0 * same)[0])


def pairs_of_lists(lengths):
    """Rows of both elements, and the list, of all pairs i < j of each list in turn."""
    rows, start = [], 0
    for sample, n in enumerate(lengths):
        rows += [(start + i, start + j, sample) for i in range(n) for j in range(i + 1, n)]
        start += n
    return np.array(rows, np.int64).reshape(-1, 3).T


def vertices_of(lengths, true, logit, bootstrap, finding=VertexFinding(), classes=None, parts=None):  # noqa: B008
    sums, first = VertexSums.zero(2, REPLICAS + 1, {"pt": 2}), 0
    place = np.concatenate([[0], np.cumsum(lengths)])
    of_list = np.concatenate([[0], np.cumsum(lengths * (lengths - 1) // 2)])
    bins = np.arange(len(lengths)) % 3 - 1
    for n in parts or (len(lengths),):
        last = first + n
        pairs = PairLogits(*pairs_of_lists(lengths[first:last]), logit[of_list[first] : of_list[last]])
        of_part = None if classes is None else classes[first:last]
        sums.add(pairs, true[place[first] : place[last]], lengths[first:last], ReplicaWeights(bootstrap, first, n),
                 finding, of_part, {"pt": bins[first:last]})  # fmt: skip
        first = last
    return sums


@pytest.fixture(scope="module")
def jets():
    rng = np.random.default_rng(21)
    lengths = rng.integers(0, 8, 200)
    true = rng.integers(-1, 3, lengths.sum())
    first, second, _ = pairs_of_lists(lengths)
    same = (true[first] == true[second]) & (true[first] >= 0)
    return lengths, true, rng.normal(0, 1.2, len(same)) + np.where(same, 1.5, -1.5), same


def test_vertices_of_perfect_pairs_are_all_found_and_pure(jets):
    lengths, true, _, same = jets
    bootstrap = Bootstrap(np.arange(200), REPLICAS, "a")
    classes = np.arange(200) % 2
    sums = vertices_of(lengths, true, np.where(same, 5.0, -5.0), bootstrap, classes=classes)
    series = vertex_series([sums], ("light", "beauty")).values
    for name, expected in (("efficiency", 1), ("purity", 1), ("fake_rate", 0), ("efficiency.beauty", 1)):
        assert (series[name][0] == expected).all(), name
    assert (series["pair_auc"][0] == 1).all()


def test_pair_area_is_scikit_learns(jets):
    lengths, true, logit, same = jets
    bootstrap = Bootstrap(np.arange(200), REPLICAS, "a")
    sums = vertices_of(lengths, true, logit, bootstrap)
    weights = bootstrap.weights().astype(float)[np.repeat(np.arange(200), lengths * (lengths - 1) // 2)]
    within = (sums.pairs / sums.pairs.sum(axis=1, keepdims=True)).prod(axis=0).sum(axis=0) / 2  # most that bins cost
    assert within.max() < 0.01
    found = vertex_series([sums], ()).values["pair_auc"][0]
    for replica in range(REPLICAS + 1):
        exact = roc_auc_score(same, logit, sample_weight=weights[:, replica])
        assert np.isclose(found[replica], exact, rtol=0, atol=within[replica])


def test_parts_and_classes_of_jets_add_up(jets):
    lengths, true, logit, _ = jets
    bootstrap, classes = Bootstrap(np.arange(200), REPLICAS, "a"), np.arange(200) % 2
    whole = vertices_of(lengths, true, logit, bootstrap, classes=classes)
    for parts in ((1,) * 200, (3, 0, 120, 77)):
        of_parts = vertices_of(lengths, true, logit, bootstrap, classes=classes, parts=parts)
        assert np.array_equal(of_parts.pairs, whole.pairs)
        assert np.array_equal(of_parts.by_size, whole.by_size)
        assert np.array_equal(of_parts.by_variable["pt"], whole.by_variable["pt"])
        assert np.allclose(of_parts.by_class, whole.by_class)  # purities are no integers
    assert np.allclose(whole.by_class[1:].sum(axis=0), whole.by_class[0])
    assert np.array_equal(whole.by_size.sum(axis=1), whole.by_class[0, :2])
    assert 0 < whole.by_class[0, 1, 0] < whole.by_class[0, 0, 0]


def test_a_higher_threshold_joins_less(jets):
    lengths, true, logit, _ = jets
    bootstrap = Bootstrap(np.arange(200), REPLICAS, "a")
    found = [
        vertices_of(lengths, true, logit, bootstrap, VertexFinding(threshold=t)).by_class[0, 2, 0]
        for t in (0.9, 0.999999, 1.0)
    ]
    assert found[0] > found[1] >= found[2] == 0
    everything = vertices_of(lengths, true, logit, bootstrap, VertexFinding(threshold=0.0)).by_class[0, 2, 0]
    assert everything == (lengths >= 2).sum()  # each jet is one vertex


def test_jets_of_one_track_or_none_have_no_vertices():
    lengths, true = np.array([0, 1, 1, 0]), np.array([0, -1])
    bootstrap = Bootstrap(np.arange(4), REPLICAS, "a")
    sums = vertices_of(lengths, true, np.zeros(0), bootstrap, classes=np.zeros(4, int))
    measured = measure_series(vertex_series([sums], ("light", "beauty")), 0.68)
    assert all(m.value is None for m in measured.values())


def test_numbers_leave_out_samples_without_a_target():
    rng = np.random.default_rng(2)
    target = np.where(rng.random(90) < 0.3, np.nan, rng.normal(5, 2, 90)).astype(np.float32)
    of_seeds = [Numbers(), Numbers()]
    for seed, of_seed in enumerate(of_seeds):
        predicted = 5 + np.random.default_rng(seed).normal(0, 1, (90, 1))
        of_seed.add(predicted[:40], target[:40])
        of_seed.add(predicted[40:], target[40:])
    own = np.resize([1.0, 2.0, 0.0], 90)
    bootstrap = Bootstrap(np.arange(90), REPLICAS, "a", own)
    series, curves = number_results(of_seeds, (), bootstrap)
    there, weights = np.isfinite(target), bootstrap.weights()
    assert (curves["samples"], curves["of"]) == (there.sum(), 90)
    for seed in range(2):
        residual = target.astype(float) - (5 + np.random.default_rng(seed).normal(0, 1, 90))
        for replica in range(REPLICAS + 1):
            w, r = weights[there, replica], residual[there]
            mean = (w * r).sum() / w.sum()
            expected = {"mae": (w * abs(r)).sum() / w.sum(), "residual_mean": mean,
                        "residual_std": np.sqrt((w * (r - mean) ** 2).sum() / w.sum())}  # fmt: skip
            for name, value in expected.items():
                assert np.isclose(series.values[name][seed][replica], value), name


def test_several_numbers_are_measured_one_by_one():
    numbers = Numbers()
    numbers.add(np.array([[1.0, 2.0], [3.0, 5.0], [0.0, 0.0]]), np.array([[1.0, 1.0], [2.0, 5.0], [np.nan, 0.0]]))
    series, _ = number_results([numbers], ("pt", "mass"), Bootstrap(np.arange(3), REPLICAS, "a"))
    assert series.values["mae.pt"][0][0] == 0.5
    assert series.values["mae.mass"][0][0] == 0.5  # the third sample lacks a number, and is left out of both


def test_no_sample_with_a_number():
    numbers = Numbers()
    numbers.add(np.zeros((3, 1)), np.full(3, np.nan))
    series, curves = number_results([numbers], (), Bootstrap(np.arange(3), REPLICAS, "a"))
    assert not series.values
    assert curves["samples"] == 0


def test_scores_are_right_where_probabilities_round_to_one():
    logits = np.array([[0.0, 45.0, 5.0], [800.0, 0.0, 0.0], [1.0, 1.0, -2.0]])
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    odds = _log_odds(log_p)
    assert np.isclose(odds[0, 1], 45.0 - np.logaddexp(0.0, 5.0))
    assert odds[1, 0] > 700
    others = np.stack([np.logaddexp.reduce(np.delete(logits, c, axis=1), axis=1) for c in range(3)], axis=1)
    assert np.allclose(odds[[0, 2]], (logits - others)[[0, 2]])
