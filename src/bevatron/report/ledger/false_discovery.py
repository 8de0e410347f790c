"""How many verdicts of a ledger are wrong by chance, and which of them stand if that is taken into account.

A claim is true, or it is false: only one of its two wrong verdicts can come about, with a probability of at
most p = 1 - Φ(z). Of N claims at most N p verdicts are wrong on average, decided or not. Benjamini and Hochberg's
procedure (J. R. Stat. Soc. B 57 (1995) 289) orders the claims by the p-value of the verdict they lean to, and gives
each the smallest rate of false discoveries, among the verdicts up to there, with which it is still one of them. The
p-values need not be independent as long as they depend on each other positively (Y. Benjamini and D. Yekutieli,
Ann. Stat. 29 (2001) 1165), as those of claims that share samples and networks do.
"""

from collections.abc import Sequence

from bevatron.store.records.claims import ClaimRecord

RATE = 0.05  # of false discoveries among the verdicts, fixed in advance


def false_discovery_rates(p_values: Sequence[float]) -> list[float]:
    """For each p-value the smallest rate of false discoveries with which it is discovered; 1 at most."""
    from scipy.stats import false_discovery_control

    return false_discovery_control(p_values).tolist() if p_values else []


def leaning_p_value(claim: ClaimRecord) -> float:
    """The p-value of the verdict that the numbers lean to."""
    return min(claim.p_reproduced, claim.p_not_reproduced)


def takes_part(claim: ClaimRecord) -> bool:
    """Whether chance can decide it: it is no arithmetic, and it is decided at this scale."""
    return not claim.exact and claim.verdict != "not at this scale"


def expected_false(claims: Sequence[ClaimRecord]) -> float:
    """At most how many verdicts on these claims are wrong by chance, on average."""
    from scipy.special import ndtr

    return float(sum(ndtr(-claim.sigmas) for claim in claims if takes_part(claim)))
