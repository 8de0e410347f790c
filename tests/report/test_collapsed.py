"""A generator that collapsed reproduces nothing; what it does not satisfy is not reproduced as before."""

from dataclasses import replace

import numpy as np
import pytest

from bevatron.report.claims.collapsed import without_collapsed
from bevatron.report.claims.condition import Margin
from bevatron.report.claims.decision import Decision
from bevatron.report.results.measured import Measured, Measurements


def decision(verdict, *metrics, model="gan"):
    nothing = np.array([])
    numbers = tuple(Measured(m, 1.0, 0.1, 0.9, 1.1, nothing, nothing, model, metric=m) for m in metrics)
    return Decision(verdict, numbers, (Margin("m", 1.0, 0.1, 1.0, 3.0),), "Measured.", ("first",), 0.001, 1.0)


def measurements(**collapsed):
    return Measurements({}, {}, {}, collapsed=collapsed, titles={"gan": "minimax"})


def test_a_claim_that_a_collapsed_generator_satisfies_is_not_decided_at_this_scale():
    found = without_collapsed(decision("reproduced", "memorisation"), measurements(gan=(0, 2)))
    assert found.verdict == "not at this scale"
    assert found.notes == ("first", "would be reproduced, but the generator collapsed: minimax, seeds 0, 2")
    assert (found.p_reproduced, found.p_not_reproduced) == (1.0, 1.0)


@pytest.mark.parametrize("verdict", ["not reproduced", "undecided", "not at this scale"])
def test_other_verdicts_stay_and_say_it(verdict):
    before = decision(verdict, "frechet_distance.first", "frechet_distance")
    found = without_collapsed(before, measurements(gan=(1,)))
    assert found == replace(before, notes=("first", "collapsed: minimax, seed 1"))


@pytest.mark.parametrize(
    ("metrics", "collapsed"),
    [
        (("memorisation",), {}),
        (("memorisation",), {"gan": ()}),
        (("memorisation",), {"other": (0, 1)}),
        (("frechet_distance.lost", "classifier_loss.lost"), {"gan": (0, 1)}),
        (("frechet_distance.early",), {"gan": (0, 1)}),
        (("collapsed",), {"gan": (0, 1)}),
    ],
)
def test_nothing_changes_without_a_collapse_or_for_the_course_of_a_training(metrics, collapsed):
    before = decision("reproduced", *metrics)
    assert without_collapsed(before, measurements(**collapsed)) is before
