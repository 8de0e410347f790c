"""Which metrics count as moved: with errors known by construction, and toys in which nothing moved."""

import math

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind

from bevatron.report.differences.compare import compare_reports


@pytest.fixture
def compare(hand_made, tmp_path):
    """Compares two reports that two functions fill."""

    def run(fill_a, fill_b):
        sides = []
        for letter, fill in (("a", fill_a), ("b", fill_b)):
            report = hand_made()
            fill(report)
            sides.append(report.write(tmp_path / letter))
        return compare_reports(*sides)

    return run


def test_observables_differ_in_standard_deviations_of_both_errors(compare):
    """(0.9 - 0.5) / sqrt(0.03² + 0.04²) = 8, and one comparison needs no correction."""
    found = compare(
        lambda r: r.add_metric("pt.auc", 0.5, 0.03, model=None), lambda r: r.add_metric("pt.auc", 0.9, 0.04, model=None)
    )
    (change,) = found.metrics
    assert change.state == "moved"
    assert change.distance == pytest.approx(8.0)
    assert change.error == pytest.approx(0.05)
    assert change.rate == pytest.approx(2 * norm.sf(8.0))


def test_the_number_of_comparisons_is_corrected_for(compare):
    """2.5 σ are p = 0.012: one such difference counts alone, and not among a hundred of which the others are small."""

    def fill(shift, others):
        def of(report):
            report.add_metric("first", 2.5 * shift, 1 / math.sqrt(2), model=None)
            for k in range(others):
                report.add_metric(f"m{k}", 0.1 * shift, 1 / math.sqrt(2), model=None)

        return of

    assert [c.state for c in compare(fill(0, 0), fill(1, 0)).metrics] == ["moved"]
    found = compare(fill(0, 99), fill(1, 99))
    assert found.metrics[0].distance == pytest.approx(2.5)
    assert {c.state for c in found.metrics} == {"within errors"}


def test_trainings_count_with_student_s_factor(compare):
    """Two trainings on each side, no error of the test split: 3 standard errors of the mean are far from decided."""
    seeds = np.array([-1.0, 1.0]) / math.sqrt(2)  # their standard deviation is 1, the error of their mean 1 / √2

    def fill(value):
        return lambda r: r.add_metric("accuracy", value, 1 / math.sqrt(2), (value + seeds).tolist())

    (change,) = compare(fill(0.0), fill(3.0)).metrics
    assert change.error == pytest.approx(1.0)
    assert 0 < change.distance < 1.5
    assert change.state == "within errors"


def test_one_training_decides_nothing(compare):
    (change,) = compare(
        lambda r: r.add_metric("accuracy", 0.1, 0.01, [0.1]), lambda r: r.add_metric("accuracy", 0.9, 0.01, [0.9])
    ).metrics
    assert change.state == "one training"
    assert math.isnan(change.distance)


def test_one_training_of_a_model_that_is_always_alike_has_the_test_split_s_error(compare):
    def fill(value):
        def of(report):
            report.add_model("mlp", 1, deterministic=True)
            report.add_metric("accuracy", value, 0.1, [value])

        return of

    (change,) = compare(fill(0.0), fill(1.0)).metrics
    assert change.distance == pytest.approx(1 / (0.1 * math.sqrt(2)))


def test_equal_trainings_on_the_same_samples_leave_the_trainings_spread_alone(compare):
    """The test split is most of the error: the difference is small in both errors, and large in the trainings'."""

    def fill(value, seeds=12):
        spread = np.linspace(-0.001, 0.001, seeds)
        return lambda r: r.add_metric("accuracy", value, 0.1, (value + spread).tolist())

    (change,) = compare(fill(0.80), fill(0.81)).metrics
    assert change.state == "within errors"
    assert abs(change.distance) < 0.1
    by_welch = ttest_ind(change.a.per_seed, change.b.per_seed, equal_var=False).pvalue
    assert 5 < change.distance_of_trainings <= norm.isf(by_welch / 2) + 0.5
    other = compare(fill(0.80), lambda r: (fill(0.81)(r), r.part.update(manifest_sha256="b" * 64))).metrics
    assert other[0].distance_of_trainings is None


@pytest.mark.parametrize(
    ("a", "b", "state"),
    [
        ((0.5, 0.1), (0.5, 0.1), "equal"),
        (("inf", None), ("inf", None), "equal"),
        (("inf", None), (0.5, 0.1), "no error"),
        ((0.5, 0.1), ("-inf", None), "no error"),
        ((0.5, None), (0.6, 0.1), "no error"),
        ((0.5, 0.0), (0.6, 0.0), "no error"),
        ((0.5, "inf"), (0.6, 0.1), "no error"),
        ((0.5, 0.1), (None, None), "only in A"),
        ((None, 0.1), (0.5, 0.1), "only in B"),
        ((0.0, 1e-150), (1.0, 1e-150), "moved"),
        ((0.0, 1e-300), (1.0, 1e-300), "no error"),
        ((-0.0, 0.1), (0.0, 0.1), "equal"),
    ],
)
def test_numbers_that_do_not_exist_decide_nothing(compare, a, b, state):
    found = compare(lambda r: r.add_metric("x", *a, model=None), lambda r: r.add_metric("x", *b, model=None))
    assert [c.state for c in found.metrics] == [state]


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "least", "most"), [(0.0, 0, 0), (0.3, 80, 100)])
def test_what_did_not_move_counts_rarely_and_what_moved_far_counts(compare, shift, least, most):
    """Toys: 100 reports of 40 metrics, each drawn twice from the same distribution, with 3 trainings of 8 models.

    A metric that counts and did not move is a false discovery: at a rate of 5 %, that happens in 5 of 100 pairs on
    average at most if none moved, with a standard deviation of 2.2. One metric is shifted: by 8 times its true error.
    """
    rng = np.random.default_rng(3)
    models = [f"m{k}" for k in range(8)]

    def fill(of_first):
        def of(report):
            for model in models:
                report.add_model(model)
                for metric in range(5):
                    seeds = 0.8 + rng.normal(0, 0.02) + rng.normal(0, 0.03, 3)
                    seeds += of_first if (model, metric) == ("m0", 0) else 0.0
                    error = math.sqrt(0.02**2 + seeds.var(ddof=1) / 3)
                    report.add_metric(f"x{metric}", float(seeds.mean()), error, seeds.tolist(), model)

        return of

    found = wrong = 0
    for _ in range(100):
        moved = {str(c.key) for c in compare(fill(0.0), fill(shift)).metrics if c.state == "moved"}
        found += shift > 0 and "toy m0 x0" in moved
        wrong += bool(moved - {"toy m0 x0"} if shift else moved)
    assert least <= found <= most
    assert wrong <= 5 + 3 * 2.2


@pytest.mark.timeout(60)
def test_the_time_grows_with_the_number_of_metrics_and_not_with_its_square(compare):
    """Found by the toys above: each metric looked through all others for those of other models. 3,000 take seconds."""
    models = [f"m{k}" for k in range(30)]

    def fill(shift):
        def of(report):
            for model in models:
                report.add_model(model)
            report.numbers = [
                {"table": "toy_metrics", "row": 100 * k + metric, "column": column, "metric": f"x{metric}", "model": m}
                | {"value": value + shift, "seed": seed}
                for k, m in enumerate(models)
                for metric in range(100)
                for column, seed, value in (
                    ("value", None, 0.1),
                    ("seed 0", 0, 0.0),
                    ("seed 1", 1, 0.2 + k),
                    ("value error", None, 9.0),
                )
            ]

        return of

    assert len(compare(fill(0.0), fill(0.5)).metrics) == 3000
