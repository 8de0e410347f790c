"""Errors of jets that share an event: copies of a jet within its event tell nothing new, whatever is measured.

The toy has a known answer: with every jet twice in its event all numbers and all errors are those of the jets once, and
the variance is twice that which as many independent jets would have.
"""

import numpy as np
import pytest
from scipy.stats import norm

from bevatron.config.sections.performance import VariableProfile
from bevatron.config.sections.task import Classification, Regression
from bevatron.evaluate.inspection.importance import badness, weighted_auc
from bevatron.evaluate.inspection.tagging import profile_curve
from bevatron.evaluate.observables import _averages, _measure_cuts
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import wilson
from bevatron.evaluate.statistics.roc import ROC_GRID, roc_curve
from bevatron.evaluate.tasks.classification import classification_curves, classification_metrics

TASK = Classification(kind="classification", target="flavour", classes=["light", "charm", "beauty"], signal="beauty")
N = 900


def jets(n=N, seed=3):
    """Logits of two seeds (2, n, 3), class numbers (n,), and a variable (n,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    logits = np.stack([1.5 * np.eye(3)[labels] + rng.normal(size=(n, 3)) for _ in range(2)]).astype(np.float32)
    return logits, labels, rng.exponential(1.0, n)


@pytest.fixture(scope="module")
def measured():
    """Of the jets once, of all jets twice in their events, and of as many independent jets: metrics and curves."""
    logits, labels, x = jets()
    events = np.arange(N, dtype=np.uint64)
    mixed = np.random.default_rng(4).permutation(2 * N)
    twice = np.tile(np.arange(N), 2)[mixed]
    cases = {
        "once": (np.arange(N), events),
        "twice": (twice, events[twice]),
        "independent": (twice, np.arange(2 * N)),
    }
    found = {}
    for name, (rows, of_rows) in cases.items():
        bootstrap = Bootstrap(of_rows, 200, "toy")
        sample = (logits[:, rows], labels[rows])
        metrics = classification_metrics(TASK, *sample, bootstrap, 0.68)
        metrics |= {f"x.{k}": m for k, m in _averages(x[rows], labels[rows], TASK.classes, bootstrap, 0.68, "").items()}
        metrics |= {f"x.{k}": m for k, m in _measure_cuts(TASK, x[rows], labels[rows], bootstrap, 0.68)[0].items()}
        curves = classification_curves(TASK, *sample, bootstrap, 0.68)
        profile = profile_curve(
            TASK, VariableProfile(title="x", group="jet", feature="x", bins=[0.0, 0.5, 1.5, 9.0]), x[rows], "beauty",
            [s[rows] for s in logits[:, :, 2]], labels[rows], bootstrap, [0.7], 0.68,
        )  # fmt: skip
        found[name] = metrics, {**curves, "profile": profile["points"]["70"]}
    return found


def test_copies_within_an_event_change_no_number_and_no_error_of_any_metric(measured):
    once, twice = (measured[name][0] for name in ("once", "twice"))
    assert once.keys() == twice.keys()
    assert {"accuracy", "ece", "rejection.light.at_70", "auc.charm_vs_light", "x.mean.charm", "x.median.light"} <= set(
        once
    )
    for name, m in once.items():
        assert twice[name].value == pytest.approx(m.value, rel=1e-9), name
        np.testing.assert_allclose(twice[name].replicas, m.replicas, rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(
            [twice[name].error, twice[name].low, twice[name].high], [m.error, m.low, m.high], rtol=5e-3, err_msg=name
        )


def test_as_many_independent_jets_would_have_half_the_variance(measured):
    """The errors of the mean over the seeds, which both have, are taken away first."""

    def variances(name, group):
        metrics = measured[name][0]
        return [np.var(metrics[metric].replicas, ddof=1) for metric in group]

    group = ["accuracy", "log_loss", "auc.beauty_vs_rest", "auc.beauty_vs_light", "x.mean.charm"]
    ratio = np.array(variances("twice", group)) / variances("independent", group)
    assert abs(ratio.mean() - 2) < 0.35, ratio  # a variance of 200 replicas has an error of a tenth
    for name in ("accuracy", "class_accuracy.beauty"):
        of_events, of_jets = (measured[case][0][name] for case in ("twice", "independent"))
        low, high = wilson(of_events.value, N if name == "accuracy" else (jets()[1] == 2).sum(), 0.68)
        assert (of_events.low, of_events.high) == pytest.approx((low, high), rel=2e-3)
        assert (of_events.high - of_events.low) / (of_jets.high - of_jets.low) == pytest.approx(np.sqrt(2), rel=0.01)


def intervals(curves):
    """Every interval of the curves of plots, by name: (2, points)."""
    found = {f"roc {name}": (curves["roc"]["low"][name], curves["roc"]["high"][name]) for name in ("light", "charm")}
    found["confusion"] = np.ravel(curves["confusion"]["low"]), np.ravel(curves["confusion"]["high"])
    found |= {f"calibration {name}": (c["low"], c["high"]) for name, c in curves["calibration"].items()}
    for kind, of_classes in curves["profile"].items():
        found |= {f"profile {kind} {name}": (c["low"], c["high"]) for name, c in of_classes.items()}
    return {name: np.array(ends, float) for name, ends in found.items()}


def test_copies_within_an_event_change_no_interval_of_a_plot(measured):
    once, twice, independent = (intervals(measured[name][1]) for name in ("once", "twice", "independent"))
    assert len(once) == 12
    for name, ends in once.items():
        np.testing.assert_allclose(twice[name], ends, atol=4e-3, err_msg=name)
        inside = (ends[0] > 0.02) & (ends[1] < 0.98)
        width = {n: (e[name][1] - e[name][0])[inside].sum() for n, e in (("twice", twice), ("other", independent))}
        assert width["twice"] > 1.15 * width["other"], name  # also with the error of the mean over the seeds


def test_errors_of_histograms_count_events():
    values, events = np.repeat([0.5, 0.5, 1.5, 2.0], [2, 1, 3, 1]), np.array([7, 7, 8, 9, 9, 4, 4])
    content, error = Bootstrap(events, 2, "m").histogram(values, np.array([0.0, 1.0, 2.0]), np.ones(7, bool))
    assert content.tolist() == [3, 4]  # the last edge belongs to the last bin
    assert error == pytest.approx(np.sqrt([2**2 + 1, 2**2 + 2**2]))
    weights = np.array([1, 2, 3, 4, 5, 6, -2.0])
    weighted = Bootstrap(events, 2, "m", weights).histogram(values, np.array([0.0, 1.0, 2.0]), np.ones(7, bool))
    assert weighted[1] == pytest.approx(np.sqrt([3**2 + 3**2, 9**2 + 4**2]))
    logits = jets()[0][0, :, 0]
    once = Bootstrap(np.arange(N), 2, "m").histogram(logits, np.linspace(-2, 2, 9), np.ones(N, bool))
    assert once[1] == pytest.approx(np.sqrt(once[0]))


def test_the_band_of_a_curve_covers_the_truth_where_jets_of_an_event_are_alike():
    """Background jets of an event have one score: the band at half of the signal holds the true fraction as often as
    it says, and as often as not if the jets counted as independent.
    """
    rng, inside, k = np.random.default_rng(12), {"by event": 0, "by jet": 0}, int(np.argmin(abs(ROC_GRID - 0.5)))
    true, toys = norm.sf(0.0, -0.7, 1.0), 150
    for _ in range(toys):
        event = np.repeat(np.arange(60), 5)
        score = np.concatenate([np.linspace(-3, 3, 2001), rng.normal(-0.7, 1.0, 60)[event]])
        of_class = {"b": np.arange(len(score)) < 2001, "l": np.arange(len(score)) >= 2001}
        for name, numbers in (("by event", event), ("by jet", np.arange(300))):
            bootstrap = Bootstrap(np.concatenate([np.arange(1000, 3001), numbers]), 2, "m")
            curve = roc_curve("b", [score], of_class, bootstrap, 0.68)
            inside[name] += curve["low"]["l"][k] < true < curve["high"]["l"][k]
    assert abs(inside["by event"] / toys - 0.68) < 0.12, inside  # the binomial error is 0.04
    assert inside["by jet"] / toys < 0.5, inside


def cluster_error(number, events):
    return np.sqrt((np.bincount(events, number.influence) ** 2).sum())


def test_influences_give_the_errors_that_the_bootstrap_gives():
    """Of an AUC (Obuchowski's error of clustered samples) and of a mean squared error over the variance."""
    rng = np.random.default_rng(5)
    events = np.repeat(np.arange(300), rng.integers(1, 5, 300))
    n = len(events)
    common = rng.normal(size=300)[events]
    signal = (rng.uniform(size=300) < 0.4)[events]
    score = np.round(signal + common + 0.3 * rng.normal(size=n), 1)
    truth, weights = 2 * rng.normal(size=300)[events] + rng.normal(size=n), rng.uniform(0.5, 2, n)
    outputs = (truth + 0.5 * common)[:, None]
    regression = Regression(kind="regression", target="y")
    numbers = {
        "auc": lambda w: weighted_auc(score, signal, w),
        "regression": lambda w: badness(regression, outputs, truth, w),
    }
    for name, of in numbers.items():
        draws = rng.poisson(1.0, (400, 300))[:, events]
        replicas = [of(weights * drawn).value for drawn in draws]
        assert cluster_error(of(weights), events) == pytest.approx(np.std(replicas, ddof=1), rel=0.12), name
        assert abs(of(weights).influence.sum()) < 1e-9
        assert cluster_error(of(weights), np.arange(n)) < 0.8 * cluster_error(of(weights), events)


@pytest.mark.parametrize("weighted", [False, True])
def test_samples_that_count_in_part_have_no_more_independent_ones_than_they_are(weighted):
    """Half of the seeds see each sample in a bin in which all are alike: no variance is seen, copies tell nothing."""
    events = np.repeat(np.arange(50), 2)
    weights = np.full(100, 3.0) if weighted else None
    bootstrap = Bootstrap(events, 2, "m", weights)
    assert bootstrap.effective_size(np.ones(100), np.full(100, 0.5)) == pytest.approx(25)
    assert bootstrap.effective_size(np.ones(100), np.ones(100)) == pytest.approx(50)
