"""The ledger: every claim of every study with its verdict and the numbers behind it."""

from dataclasses import dataclass, replace

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.config.sections.claim import Claim
from bevatron.config.sections.study import Study
from bevatron.report.claims.decision import Decision
from bevatron.report.results.study_results import StudyResults

VERDICTS = ("reproduced", "not reproduced", "undecided")


@dataclass(frozen=True)
class Entry:
    """One claim, decided."""

    study: Study
    claim: Claim
    decision: Decision


def ledger_of(results: list[StudyResults], scale: str) -> list[Entry]:
    """All claims in the order of the studies' files, at a scale; raises UserError for a metric that does not exist."""
    entries = []
    for r in results:
        for claim in r.study.claims:
            decision = CLAIM_TESTS[claim.test.kind]().decide(claim.test, r.measurements)
            if claim.scale not in (None, scale):
                note = f"made for the scale '{claim.scale}', and not decided at '{scale}'"
                decision = replace(decision, verdict="undecided", notes=(note, *decision.notes))
            entries.append(Entry(r.study, claim, decision))
    return entries


def tally(entries: list[Entry]) -> dict[str, int]:
    """How many claims have each verdict."""
    return {verdict: sum(e.decision.verdict == verdict for e in entries) for verdict in VERDICTS}
