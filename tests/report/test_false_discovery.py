"""How many verdicts of a ledger are wrong by chance."""

import numpy as np
import pytest

from bevatron.report.ledger.false_discovery import (
    RATE,
    expected_false,
    false_discovery_rates,
    leaning_p_value,
    takes_part,
)
from bevatron.store.records.claims import ClaimRecord, MarginRecord

MARGIN = MarginRecord(meaning="m", value=1.0, error=1.0, worst_seed=1.0, distance=1.0)


def claim(p=0.5, against=1.0, verdict="undecided", exact=False, sigmas=2.0):
    return ClaimRecord(
        id="a", statement="s", source="s", verdict=verdict, sentence="x", notes=(), exact=exact, p_reproduced=p,
        p_not_reproduced=against, sigmas=sigmas, margins=(MARGIN,),
    )  # fmt: skip


def test_benjamini_and_hochbergs_own_example():
    """Their table of 15 p-values (1995, sec. 3.2): at a rate of 0.05 the first four are discoveries."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
         1.0]  # fmt: skip
    rates = false_discovery_rates(p)
    assert sum(rate <= 0.05 for rate in rates) == 4
    assert rates[0] == pytest.approx(0.0015)
    assert false_discovery_rates([]) == []


def test_wrong_verdicts_among_those_that_stand_are_as_few_as_promised():
    """Half of 60 claims are true by three standard deviations, half are on the border, where each verdict is wrong."""
    rng = np.random.default_rng(5)
    from scipy.special import ndtr

    fractions = []
    for _ in range(400):
        z = np.concatenate([rng.normal(3.0, 1.0, 30), rng.normal(0.0, 1.0, 30)])
        standing = np.array(false_discovery_rates(list(np.minimum(ndtr(-z), ndtr(z))))) <= RATE
        wrong = np.concatenate([z[:30] < 0, z[30:] > 0])  # those on the border are false: 'reproduced' is wrong
        fractions.append((standing & wrong).sum() / max(standing.sum(), 1))
    assert np.mean(fractions) < RATE


def test_what_chance_cannot_decide_takes_no_part():
    claims = [claim(), claim(sigmas=3.0), claim(exact=True, verdict="reproduced"), claim(verdict="not at this scale")]
    assert [takes_part(c) for c in claims] == [True, True, False, False]
    assert expected_false(claims) == pytest.approx(0.02275 + 0.00135, rel=1e-3)
    assert leaning_p_value(claim(0.9, 0.01)) == 0.01
