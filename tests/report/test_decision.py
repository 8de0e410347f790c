"""Verdicts from numbers whose answer is known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.config.sections.claim import Claim
from bevatron.errors import UserError
from bevatron.report.ledger.decided import decide_claims
from bevatron.report.results.measured import Measured, Measurements

RNG = np.random.default_rng(11)
COMMON = RNG.standard_normal(4000)  # the fluctuation of the test split that all metrics fraction


def number(value, split=0.0, seeds=(0, 0, 0), own=0.0, trained="m", label="x"):
    """A metric with a fluctuation common to all, one of its own, and the given deviations of its seeds."""
    replicas = value + split * COMMON + own * RNG.standard_normal(4000)
    per_seed = value + np.array(seeds, float)
    return Measured(label, value, np.nan, np.nan, np.nan, per_seed, replicas, trained, split_error=np.hypot(split, own))


def decided(kind, measurements=None, **options):
    component = CLAIM_TESTS[kind]
    return component().decide(component.Options(kind=kind, **options), measurements)


def table(**metrics):
    """Metrics of one model each, all named `a`."""
    models = {name: {"a": m} for name, m in metrics.items()}
    return Measurements(models, {}, dict.fromkeys([*models, None], "metrics.json"))


def of(model):
    return {"model": model, "metric": "a"}


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.3, "reproduced"), (1.1, "undecided"), (0.9, "undecided"), (0.7, "not reproduced")]
)
def test_above_needs_two_sigmas(value, verdict):
    measured = table(m=number(value, own=0.1, seeds=(0, 0, 0)))
    found = decided("above", measured, metric=of("m"), threshold=1.0)
    assert found.verdict == verdict
    assert abs(found.decisive.distance - (value - 1) / 0.1) < 0.2
    mirrored = decided("below", measured, metric=of("m"), threshold=1.0)
    assert np.isclose(mirrored.decisive.value, -found.decisive.value)


def test_what_two_metrics_share_cancels_in_their_difference():
    """Both fluctuate by 0.1 with the test split, together: a difference of 0.02 is then no matter of chance."""
    measured = table(
        p=number(1.02, split=0.1, trained="p", own=0.002), q=number(1.0, split=0.1, trained="q", own=0.002)
    )
    found = decided("greater", measured, first=of("p"), others=[of("q")])
    assert found.verdict == "reproduced"
    assert abs(found.decisive.error / np.hypot(0.002, 0.002) - 1) < 0.1


def test_seeds_of_different_models_add_in_quadrature():
    seeds = (-0.1, 0.0, 0.1)
    measured = table(p=number(2.0, trained="p", seeds=seeds), q=number(1.0, trained="q", seeds=seeds))
    found = decided("greater", measured, first=of("p"), others=[of("q")])
    student = 4.527 / 2  # of two degrees of freedom at the probability of two standard deviations
    assert np.isclose(found.decisive.error, student * np.hypot(0.1, 0.1) / np.sqrt(3), rtol=1e-3)


def test_seeds_of_one_model_are_paired():
    """Two metrics of one model that rise and fall together from seed to seed differ by the same in each."""
    seeds = (-0.1, 0.0, 0.1)
    metrics = {"a": number(1.1, seeds=seeds), "b": number(1.0, seeds=seeds)}
    measured = Measurements({"m": metrics}, {}, {"m": "metrics.json"})
    found = decided("greater", measured, first=of("m"), others=[{"model": "m", "metric": "b"}])
    assert found.decisive.error < 1e-12
    assert found.verdict == "reproduced"


def test_chance_seldom_decides():
    """Three seeds around the threshold itself: each wrong verdict comes in 2.3 % of cases, as at two sigmas."""
    rng, verdicts = np.random.default_rng(12), []
    for _ in range(1500):
        seeds = rng.standard_normal(3)
        measured = table(m=number(1.0 + seeds.mean(), seeds=seeds - seeds.mean()))
        verdicts.append(decided("above", measured, metric=of("m"), threshold=1.0).verdict)
    for verdict in ("reproduced", "not reproduced"):
        assert abs(verdicts.count(verdict) / 1500 - 0.0228) < 0.012


def test_every_seed_must_agree_where_asked():
    measured = table(m=number(1.0, seeds=[-0.2, *[0.01] * 20]))
    loose = decided("above", measured, metric=of("m"), threshold=0.9)
    strict = decided("above", measured, metric=of("m"), threshold=0.9, every_seed=True)
    assert (loose.verdict, strict.verdict) == ("reproduced", "undecided")
    assert "not for every seed" in strict.notes[0]


def test_ratio():
    measured = table(p=number(4.0, own=0.1, trained="p"), q=number(1.0, own=0.1, trained="q"))
    assert decided("ratio", measured, first=of("p"), second=of("q"), factor=3.0).verdict == "reproduced"
    assert decided("ratio", measured, first=of("p"), second=of("q"), factor=3.7).verdict == "undecided"
    assert decided("ratio", measured, first=of("p"), second=of("q"), factor=6.0).verdict == "not reproduced"


def test_ordered_fails_at_its_worst_step():
    measured = table(
        p=number(3.0, own=0.01, trained="p"), q=number(1.0, own=0.01, trained="q"), r=number(2.0, own=0.01, trained="r")
    )
    assert decided("ordered", measured, metrics=[of("p"), of("r"), of("q")]).verdict == "reproduced"
    found = decided("ordered", measured, metrics=[of("p"), of("q"), of("r")])
    assert found.verdict == "not reproduced"
    assert found.decisive.value == -1.0


def test_agreement_must_be_shown():
    """Three equal numbers agree within 0.1 when their errors are small, and may or may not when they are not."""
    for own, verdict in ((0.01, "reproduced"), (0.1, "undecided")):
        measured = table(**{k: number(1.0, own=own, trained=k) for k in "pqr"})
        assert decided("agree", measured, metrics=[of(k) for k in "pqr"], tolerance=0.1).verdict == verdict
    measured = table(p=number(1.0, own=0.01, trained="p"), q=number(1.5, own=0.01, trained="q"))
    assert decided("agree", measured, metrics=[of("p"), of("q")], tolerance=0.1).verdict == "not reproduced"


def test_greater_is_decided_by_the_nearest_rival():
    measured = table(
        p=number(1.0, own=0.01, trained="p"), q=number(0.2, own=0.01, trained="q"), r=number(0.9, own=0.01, trained="r")
    )
    found = decided("greater", measured, first=of("p"), others=[of("q"), of("r")], margin=0.05)
    assert found.verdict == "reproduced"
    assert np.isclose(found.decisive.value, 0.05)


def test_missing_number_decides_nothing():
    measured = table(m=number(np.nan))
    found = decided("above", measured, metric=of("m"), threshold=1.0)
    assert found.verdict == "undecided"
    assert "no value for x" in found.notes[0]


def test_exact_numbers_decide():
    measured = table(m=number(2.0))
    found = decided("above", measured, metric=of("m"), threshold=1.0)
    assert found.verdict == "reproduced"
    assert found.decisive.distance == np.inf


def test_one_training_decides_nothing():
    found = decided("above", table(m=number(2.0, own=0.1, seeds=(0.0,))), metric=of("m"), threshold=1.0)
    assert found.verdict == "undecided"
    assert found.notes[0] == "one training of m, which decides nothing"
    assert np.isnan(found.decisive.distance)
    assert found.p_reproduced == found.p_not_reproduced == 1.0


def test_one_training_of_what_every_training_makes_alike_decides():
    measured = replace(table(m=number(2.0, own=0.1, seeds=(0.0,))), deterministic=frozenset("m"))
    found = decided("above", measured, metric=of("m"), threshold=1.0)
    assert found.verdict == "reproduced"
    assert not found.notes


def test_share_without_failures_keeps_its_error():
    """1.0 on 50 samples has replicas that never vary; its own error is what is known."""
    measured = Measured("x", 1.0, 0.02, np.nan, np.nan, np.ones(3), np.ones(100), "m", split_error=0.02)
    found = decided("above", table(m=measured), metric=of("m"), threshold=0.98)
    assert found.verdict == "undecided"


def test_unknown_metric_is_named_with_those_there_are():
    with pytest.raises(UserError, match="has no metric 'auc'; it has: a"):
        decided("above", table(m=number(1.0)), metric={"model": "m", "metric": "auc"}, threshold=1.0)


def test_options_name_their_models():
    component = CLAIM_TESTS["ratio"]
    options = component.Options(kind="ratio", first=of("p"), second=of("q"), factor=2)
    assert options.models() == ["p", "q"]
    with pytest.raises(ValueError, match="exactly one"):
        component.Options(kind="ratio", first={"metric": "a"}, second=of("q"), factor=2)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [(0.90, "reproduced"), (0.907, "reproduced"), (0.911, "undecided"), (0.914, "not reproduced"),
     (0.886, "not reproduced")],
)  # fmt: skip
def test_near_a_known_number(value, verdict):
    measured = table(m=number(value, own=0.001))
    found = decided("near", measured, metric=of("m"), reference=0.9, tolerance=0.01)
    assert found.verdict == verdict
    assert np.isclose(found.decisive.value, 0.01 - abs(value - 0.9))


def test_an_order_is_claimed_of_each_group():
    right = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.9, "e": 0.8}
    measured = table(**{name: number(value, own=0.001, trained=name) for name, value in right.items()})
    groups = [["a", "b", "c"], ["d", "e"]]
    assert decided("ordered_each", measured, metric="a", groups=groups).verdict == "reproduced"
    found = decided("ordered_each", measured, metric="a", groups=[*groups, ["e", "d"]])
    assert found.verdict == "not reproduced"
    assert np.isclose(found.decisive.value, -0.1)
    assert "3 of 4 steps" in found.sentence


def test_agreement_is_claimed_within_each_group_alone():
    """Groups far apart from each other agree within themselves."""
    values = {"a": 0.900, "b": 0.901, "c": 0.700, "d": 0.702}
    measured = table(**{name: number(value, own=0.0005, trained=name) for name, value in values.items()})
    groups = [["a", "b"], ["c", "d"]]
    assert decided("agree_each", measured, metric="a", groups=groups, tolerance=0.005).verdict == "reproduced"
    assert decided("agree_each", measured, metric="a", groups=groups, tolerance=0.002).verdict == "undecided"
    assert decided("agree_each", measured, metric="a", groups=[["a", "c"]], tolerance=0.005).verdict == "not reproduced"


@pytest.mark.parametrize(("second", "verdict"), [(0.61, "reproduced"), (0.70, "not reproduced"), (0.649, "undecided")])
def test_near_each_wants_every_number_at_its_own_reference(second, verdict):
    metrics = {"a": number(0.80, own=0.005), "b": number(second, own=0.005)}
    measured = Measurements({"m": metrics}, {}, {"m": "metrics.json", None: "data.json"})
    found = decided("near_each", measured, model="m", expected={"a": 0.81, "b": 0.60}, tolerance=0.05)
    assert found.verdict == verdict
    assert "(0.81)" in found.sentence
    assert "(0.6)" in found.sentence


def test_a_claim_for_one_scale_is_not_decided_at_another():
    test = {"kind": "above", "metric": of("m"), "threshold": 0.5}
    tree = {"id": "a", "statement": "s", "source": "s", "test": test}
    claims = [Claim.model_validate(tree), Claim.model_validate({**tree, "id": "b", "scale": "paper"})]
    results = SimpleNamespace(
        study=SimpleNamespace(claims=claims), measurements=table(m=number(0.9, own=0.01, seeds=(0, 0, 0)))
    )
    assert [e.decision.verdict for e in decide_claims(results, "paper")] == ["reproduced", "reproduced"]
    demo = decide_claims(results, "demo")
    assert [e.decision.verdict for e in demo] == ["reproduced", "not at this scale"]
    assert demo[1].decision.notes[0] == "made for the scale 'paper', and not decided at 'demo'"


def test_a_training_that_was_still_improving_fails_nothing():
    numbers = {"p": number(1.0, own=0.01, trained="p"), "q": number(2.0, own=0.01, trained="q")}
    measured = replace(table(**numbers), improving=frozenset("q"), titles={"q": "Quick"})
    found = decided("greater", measured, first=of("p"), others=[of("q")])
    assert found.verdict == "not at this scale"
    assert found.notes == ("would not be reproduced, but still improving when the training ended: Quick",)
    assert decided("greater", measured, first=of("q"), others=[of("p")]).verdict == "reproduced"


def test_one_condition_among_finished_trainings_fails_for_all():
    """p is below q, which still improves, and below r, which does not: the claim fails because of r."""
    values = {"p": 1.0, "q": 2.0, "r": 3.0}
    measured = table(**{k: number(v, own=0.01, trained=k) for k, v in values.items()})
    measured = replace(measured, improving=frozenset("q"))
    assert decided("greater", measured, first=of("p"), others=[of("q"), of("r")]).verdict == "not reproduced"


def test_more_conditions_need_a_clearer_failure():
    """2.2 standard deviations below: a failure of one condition alone, and none of the worst of eight (Holm)."""
    good = {f"g{k}": number(0.0, own=0.01, trained=f"g{k}") for k in range(7)}
    measured = table(p=exactly(1.0, 0.0, "p"), q=exactly(1.022, 0.01, "q"), **good)
    alone = decided("greater", measured, first=of("p"), others=[of("q")])
    assert alone.verdict == "not reproduced"
    among = decided("greater", measured, first=of("p"), others=[of("q"), *(of(name) for name in good)])
    assert among.verdict == "undecided"
    assert np.isclose(among.p_not_reproduced, 8 * alone.p_not_reproduced)


def test_what_is_exact_is_decided_without_errors_by_every_seed():
    test = {"kind": "above", "metric": of("m"), "threshold": 0.5}
    claim = Claim.model_validate({"id": "a", "statement": "s", "source": "s", "exact": True, "test": test})

    def verdict(*seeds):
        measured = table(m=number(0.0, own=0.3, seeds=seeds))
        results = SimpleNamespace(study=SimpleNamespace(claims=[claim]), measurements=measured)
        return decide_claims(results, "demo")[0].decision

    assert verdict(0.6, 0.7).verdict == verdict(0.6).verdict == "reproduced"
    assert verdict(0.6, 0.4).verdict == "not reproduced"
    assert verdict(0.6).notes == ()


def exactly(value, error, trained):
    """A metric whose replicas have this standard deviation exactly, and whose trainings agree."""
    replicas = value + error * np.array([-1.0, 1.0] * 2000) * np.sqrt(3999 / 4000)
    return Measured("x", value, np.nan, np.nan, np.nan, np.full(3, value), replicas, trained, split_error=error)


def class_accuracies(*values, n=200):
    """Of one classifier, each with the binomial error of n samples."""
    models = {"m": {}}
    for k, value in enumerate(values):
        metric = number(value, own=np.sqrt(value * (1 - value) / n), seeds=(0, 0), label=f"class {k}")
        models["m"][f"class_accuracy.{k}"] = metric
    return Measurements(models, {}, {"m": "metrics.json", None: "data.json"})


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ((0.9, 0.4, 0.5, 0.4, 0.6), "reproduced"),
        ((0.9, 0.9, 0.9, 0.9, 0.22), "undecided"),
        ((0.9, 0.9, 0.9, 0.9, 0.08), "not reproduced"),  # the mean alone, 0.74, would hide it
        ((1.0, 0.0, 0.0, 0.0, 0.0), "not reproduced"),  # one class for all
        ((0.2, 0.2, 0.2, 0.2, 0.2), "undecided"),  # by lot
    ],
)
def test_each_class_is_above_chance_or_the_claim_fails(values, verdict):
    metrics = [{"model": "m", "metric": f"class_accuracy.{k}"} for k in range(5)]
    found = decided("above_each", class_accuracies(*values), metrics=metrics, threshold=0.2)
    assert found.verdict == verdict
    assert len(found.margins) == 5


@pytest.mark.parametrize(
    ("value", "better", "verdict"),
    [
        (1.5, "higher", "reproduced"),  # better by any amount
        (0.98, "higher", "reproduced"),
        (0.9, "higher", "undecided"),
        (0.8, "higher", "not reproduced"),
        (0.5, "lower", "reproduced"),
        (1.2, "lower", "not reproduced"),
    ],
)
def test_no_worse_allows_a_tolerance_on_one_side(value, better, verdict):
    measured = table(p=number(value, own=0.01, trained="p"), q=number(1.0, own=0.01, trained="q"))
    found = decided("no_worse", measured, first=of("p"), second=of("q"), tolerance=0.1, better=better)
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("ranges", "verdict"),
    [
        ({"a": [0.5, 2.0], "b": [None, 0.9]}, "reproduced"),
        ({"a": [0.5, 2.0], "b": [0.7, None]}, "not reproduced"),
        ({"a": [1.005, 2.0]}, "undecided"),
        ({"a": [0.5, 0.8]}, "not reproduced"),  # outside on the upper side
    ],
)
def test_within_needs_every_range(ranges, verdict):
    measured = Measurements(
        {"m": {"a": number(1.0, own=0.01), "b": number(0.5, own=0.01, label="y")}}, {}, {"m": "metrics.json"}
    )
    found = decided("within", measured, model="m", ranges=ranges)
    assert found.verdict == verdict
    assert len(found.margins) == sum(end is not None for ends in ranges.values() for end in ends)


@pytest.mark.parametrize(("ends", "said"), [([None, None], "has no end"), ([2, 1], "must be the lower")])
def test_a_range_has_two_different_ends_or_one(ends, said):
    with pytest.raises(ValueError, match=said):
        CLAIM_TESTS["within"].Options(kind="within", model="m", ranges={"a": ends})


def test_a_verdict_cannot_need_more_standard_deviations_than_are_told_apart():
    with pytest.raises(ValueError, match="less than or equal to 10"):
        CLAIM_TESTS["above"].Options(kind="above", metric=of("m"), threshold=1.0, sigmas=12)
    measured = table(m=exactly(2.0, 0.11, "m"))
    assert decided("above", measured, metric=of("m"), threshold=1.0, sigmas=10).verdict == "undecided"
    assert decided("above", measured, metric=of("m"), threshold=1.0, sigmas=9).verdict == "reproduced"


def test_a_model_without_a_value_does_not_enter_the_prior():
    """A training of another model that gave no number leaves the moderated variance as it is."""
    models = {
        f"m{k}": replace(number(1.0, own=0.01, seeds=(-0.1 * k, 0, 0.1 * k), trained=f"m{k}"), metric="a")
        for k in range(1, 7)
    }
    broken = replace(number(np.nan, seeds=(np.nan, 0, 0), trained="z"), metric="a")
    distances = [decided("above", table(**models, **more), metric=of("m1"), threshold=0.7).decisive.distance
                 for more in ({}, {"z": broken})]  # fmt: skip
    assert np.isclose(*distances)
    alone = decided("above", table(m1=models["m1"]), metric=of("m1"), threshold=0.7).decisive.distance
    assert not np.isclose(alone, distances[0])
