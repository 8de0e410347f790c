"""Which verdicts of two reports differ, and whether their numbers differ by more than their errors."""

import math
from dataclasses import dataclass

from bevatron.report.differences.recorded import ClaimPart, MarginPart, StudyContent

MOVED = 2.0  # standard deviations of the difference of two margins, fixed in advance


@dataclass(frozen=True)
class VerdictChange:
    """A claim with two verdicts, or of one side alone, where the other is None.

    remark: 'within errors', where both verdicts come of margins that agree; 'numbers moved', where they do not; or why
    this cannot be said. claim_changed: the claim itself is another: its statement, or the standard deviations it wants.
    """

    study: str
    id: str
    a: ClaimPart | None
    b: ClaimPart | None
    remark: str = ""
    claim_changed: bool = False


def compare_verdicts(a: StudyContent, b: StudyContent) -> tuple[list[VerdictChange], int]:
    """The claims whose verdicts differ or that one side does not have, and the number of those that are the same."""
    if a.claims is None or b.claims is None:
        return [], 0
    changes, same = [], 0
    for name in dict.fromkeys([*a.claims, *b.claims]):
        of_a, of_b = a.claims.get(name), b.claims.get(name)
        if of_a is None or of_b is None:
            changes.append(VerdictChange(a.name, name, of_a, of_b, f"only in {'A' if of_b is None else 'B'}"))
        elif of_a.verdict == of_b.verdict:
            same += 1
        else:
            other = (of_a.statement, of_a.sigmas) != (of_b.statement, of_b.sigmas)
            changes.append(VerdictChange(a.name, name, of_a, of_b, compare_margins(of_a, of_b), other))
    return changes, same


def compare_margins(a: ClaimPart, b: ClaimPart) -> str:
    """Whether the margins that decided a claim agree within their errors, which are taken to be independent."""
    if a.exact or b.exact:
        return "exact: no errors"
    deciding = {margin.meaning for margin in (a.decisive, b.decisive) if margin is not None}
    of_a, of_b = ({m.meaning: m for m in claim.margins} for claim in (a, b))
    pairs = [(of_a[meaning], of_b[meaning]) for meaning in sorted(deciding) if meaning in of_a and meaning in of_b]
    if not pairs or len(pairs) < len(deciding):
        return "its conditions are others"
    pulls = [_pull(*pair) for pair in pairs]
    if any(pull > MOVED for pull in pulls):
        return "numbers moved"
    return "no error to compare with" if any(math.isnan(pull) for pull in pulls) else "within errors"


def _pull(a: MarginPart, b: MarginPart) -> float:
    """The difference of two margins in standard deviations; NaN where a number does not exist."""
    if a.value is None or b.value is None:
        return math.nan
    if a.value == b.value:
        return 0.0
    if a.error is None or b.error is None or a.error + b.error == 0:
        return math.nan
    return abs(b.value - a.value) / math.hypot(a.error, b.error)
