"""Every claim of a study with its verdict and the numbers behind it, as decided now and as `claims.json` has it."""

import math
from dataclasses import dataclass, replace

from bevatron.config.loading.kinds import CLAIM_TESTS
from bevatron.config.sections.claim import Claim
from bevatron.report.claims.collapsed import without_collapsed
from bevatron.report.claims.condition import FARTHEST, Margin
from bevatron.report.claims.decision import Decision, decide_exactly
from bevatron.report.claims.reference import TestOptions
from bevatron.report.results.study_results import StudyResults
from bevatron.store.records.claims import ClaimRecord, MarginRecord


@dataclass(frozen=True)
class Entry:
    """One claim, decided."""

    claim: Claim
    decision: Decision


def decide_claims(results: StudyResults, scale: str) -> list[Entry]:
    """All claims in the order of the study's file, at a scale; raises UserError for a metric that does not exist."""
    entries = []
    for claim in results.study.claims:
        decision = CLAIM_TESTS[claim.test.kind]().decide(claim.test, results.measurements)
        if is_exact(claim):
            decision = decide_exactly(decision)
        decision = without_collapsed(decision, results.measurements)
        if claim.scale not in (None, scale):
            note = f"made for the scale '{claim.scale}', and not decided at '{scale}'"
            decision = replace(
                decision,
                verdict="not at this scale",
                notes=(note, *decision.notes),
                p_reproduced=1.0,
                p_not_reproduced=1.0,
            )
        entries.append(Entry(claim, decision))
    return entries


def is_exact(claim: Claim) -> bool:
    """Whether a claim is arithmetic or a theorem: it says so, or its test measures nothing."""
    return claim.exact or getattr(CLAIM_TESTS[claim.test.kind], "EXACT", False)


def record_of(entry: Entry) -> ClaimRecord:
    """The entry as claims.json has it."""
    claim, decision = entry.claim, entry.decision
    assert isinstance(claim.test, TestOptions)  # as those of every claim test
    return ClaimRecord(
        id=claim.id,
        statement=claim.statement,
        source=claim.source,
        verdict=decision.verdict,
        sentence=decision.sentence,
        notes=decision.notes,
        exact=is_exact(claim),
        p_reproduced=decision.p_reproduced,
        p_not_reproduced=decision.p_not_reproduced,
        sigmas=float(claim.test.sigmas),
        margins=tuple(
            MarginRecord(
                meaning=m.meaning,
                value=_finite(m.value),
                error=_finite(m.error),
                worst_seed=_finite(m.worst_seed),
                distance=_capped(m.distance),
            )
            for m in decision.margins
        ),
    )


def decision_of(record: ClaimRecord) -> Decision:
    """A claim's decision from claims.json, without the measured numbers that it was decided from."""
    margins = tuple(
        Margin(m.meaning, *map(_number, (m.value, m.error, m.worst_seed, m.distance))) for m in record.margins
    )
    return Decision(
        record.verdict,
        (),
        margins,
        record.sentence,
        record.notes,
        record.p_reproduced,
        record.p_not_reproduced,
    )


def _capped(distance: float) -> float | None:
    return None if math.isnan(distance) else float(min(max(distance, -FARTHEST), FARTHEST))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value
