"""Which verdicts changed, and whether the numbers behind them did."""

import pytest

from bevatron.report.differences.compare import compare_reports


@pytest.fixture
def changed(hand_made, tmp_path):
    """The changes of verdicts between two lists of claims, each the arguments of `add_claim`."""

    def run(of_a, of_b):
        for letter, claims in (("a", of_a), ("b", of_b)):
            report = hand_made()
            for arguments, changes in claims:
                report.add_claim(*arguments, **changes)
            report.write(tmp_path / letter)
        return compare_reports(tmp_path / "a", tmp_path / "b")

    return run


def claim(verdict, *margins, **changes):
    return [(("c", verdict, *margins), changes)]


def test_a_verdict_that_crossed_its_limit_by_less_than_the_errors_says_so(changed):
    """From 1.9 to 2.1 standard deviations."""
    found = changed(claim("undecided", ("m", 1.9, 1.0, 1.9)), claim("reproduced", ("m", 2.1, 1.0, 2.1)))
    (change,) = found.verdicts
    assert (change.a.verdict, change.b.verdict) == ("undecided", "reproduced")
    assert change.remark == "within errors"
    assert found.fails("verdicts")


@pytest.mark.parametrize(
    ("a", "b", "changes", "remark"),
    [
        ([("m", 3.0, 1.0, 3.0)], [("m", -3.0, 1.0, -3.0)], {}, "numbers moved"),
        ([("m", 3.0, 1.0, 3.0)], [("n", -3.0, 1.0, -3.0)], {}, "its conditions are others"),
        ([], [("n", -3.0, 1.0, -3.0)], {}, "its conditions are others"),
        ([], [], {}, "its conditions are others"),
        ([("m", 3.0, 0.1, 3.0)], [("m", None, None, None)], {}, "no error to compare with"),
        ([("m", 3.0, None, None)], [("m", -3.0, 1.0, -3.0)], {}, "no error to compare with"),
        ([("m", 3.0, 0.0, 3.0)], [("m", -3.0, 0.0, -3.0)], {}, "no error to compare with"),
        ([("m", 3.0, 1.0, 3.0)], [("m", -3.0, 1.0, -3.0)], {"exact": True}, "exact: no errors"),
        # The condition that decided B moved, though that which decided A did not.
        (
            [("m", 3.0, 1.0, 3.0), ("n", 9.0, 1.0, 9.0)],
            [("m", 3.1, 1.0, 3.1), ("n", 0.1, 1.0, 0.1)],
            {},
            "numbers moved",
        ),
    ],
)
def test_what_is_behind_a_change(changed, a, b, changes, remark):
    (change,) = changed(claim("reproduced", *a, **changes), claim("not reproduced", *b, **changes)).verdicts
    assert change.remark == remark


def test_another_claim_of_the_same_name_says_so(changed):
    (change,) = changed(claim("reproduced", statement="one"), claim("undecided", statement="another")).verdicts
    assert change.claim_changed


def test_a_claim_that_b_does_not_have_fails_and_a_new_one_does_not(changed):
    assert changed(claim("reproduced"), []).fails("verdicts")
    assert not changed([], claim("reproduced")).fails("verdicts")
