"""Toys of known truth: how often chance makes a verdict, with few trainings and variances that nobody knows.

`benchmarks/verdicts.py` does the same with more toys and cases; docs/explanation/verdicts.md shows its table.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from verdicts import VARIANCES, false_rates

TOYS = 1200
LIMIT = 0.025 + 3 * (0.025 * 0.975 / TOYS) ** 0.5  # 2.5 %, and three errors of a rate from so many toys


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 3, 5])
@pytest.mark.parametrize("variances", VARIANCES)
def test_false_verdicts_are_rare(runs, variances):
    rates = false_rates("above", runs, variances, models=12, split=0.3, toys=TOYS, seed=1)
    assert rates["reproduced"] < LIMIT
    assert rates["not reproduced"] < LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 5])
def test_false_verdicts_on_many_conditions_are_rare(runs):
    """Eight true ties in an order: without a correction one of them would fail in 17 % of the toys."""
    rates = false_rates("ordered", runs, "alike", models=9, split=0.3, toys=600, seed=2)
    assert rates["not reproduced"] < 0.025 + 3 * (0.025 * 0.975 / 600) ** 0.5
    assert rates["reproduced"] < 0.01
