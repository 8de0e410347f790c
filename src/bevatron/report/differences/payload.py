"""Differences between two reports for programs: JSON, and one CSV table."""

import math
from typing import Any

from bevatron.csv_text import format_rows
from bevatron.errors import in_one_line
from bevatron.report.differences.compare import Differences
from bevatron.report.differences.metrics import MetricChange
from bevatron.report.differences.recorded import ClaimPart
from bevatron.report.differences.settings import SettingChange
from bevatron.report.ledger.false_discovery import RATE
from bevatron.report.provenance.table_metrics import MetricValue

HEAD = (
    "what",
    "study",
    "model",
    "name",
    "variation",
    "A",
    "A error",
    "B",
    "B error",
    "difference",
    "error",
    "distance",
)
HEAD += ("distance of trainings", "false discovery rate", "state")


def as_payload(found: Differences) -> dict[str, Any]:
    """Everything that differs, and the number of what does not. Numbers that do not exist are null."""
    same_weights, weights = found.same_weights
    return {
        "a": str(found.a),
        "b": str(found.b),
        "identical": found.identical,
        "studies": list(found.studies),
        "only_a": list(found.only_a),
        "only_b": list(found.only_b),
        "not_compared": [{"side": side, "study": study, "what": what} for side, study, what in found.unknown],
        "verdicts": {
            "same": found.same_verdicts,
            "changed": [
                {
                    "study": change.study,
                    "claim": change.id,
                    "a": _claim(change.a),
                    "b": _claim(change.b),
                    "remark": change.remark,
                    "claim_changed": change.claim_changed,
                }
                for change in found.verdicts
            ],
        },
        "metrics": {
            "rate_of_false_discoveries": RATE,
            "same_samples": list(found.same_samples),
            "equal": len(found.metrics_with("equal")),
            "differing": [_metric(change) for change in found.metrics if change.state != "equal"],
        },
        "trainings": {"compared": weights, "same_weights": same_weights},
        "settings": _changes(found.settings),
        "code": _changes(found.code),
        "software": _changes(found.software),
        "digests": _changes(found.digests),
    }


def as_csv(found: Differences) -> str:
    """A row for each metric, equal ones too, and for each other difference."""
    rows: list[tuple[object, ...]] = [HEAD]
    rows += [_metric_row(change) for change in found.metrics]
    for change in found.verdicts:
        of_a, of_b = ("" if claim is None else claim.verdict for claim in (change.a, change.b))
        rows.append(_row("verdict", change.study, change.id, of_a, of_b, change.remark))
    kinds = {
        "setting": found.settings,
        "scale and code": found.code,
        "software": found.software,
        "digest": found.digests,
    }
    for kind, changes in kinds.items():
        rows += [_row(kind, study, c.key, c.a, c.b, "differs") for c in changes for study in c.studies]
    rows += [_row("study", name, "", "there", "", "only in A") for name in found.only_a]
    rows += [_row("study", name, "", "", "there", "only in B") for name in found.only_b]
    rows += [_row("not compared", study, what, "", "", f"unknown in {side}") for side, study, what in found.unknown]
    # It may be printed in a terminal, which acts on controls in a name.
    return format_rows([[in_one_line(cell) if isinstance(cell, str) else cell for cell in row] for row in rows])


def _row(kind: str, study: str, name: str, a: str, b: str, state: str) -> tuple[object, ...]:
    return (kind, study, "", name, "", a, "", b, *[""] * 6, state)


def _metric_row(change: MetricChange) -> tuple[object, ...]:
    sides = [cell for side in (change.a, change.b) for cell in _value_and_error(side)]
    numbers = (change.difference, change.error, change.distance, change.distance_of_trainings, change.rate)
    key = change.key
    return ("metric", key.study, key.model, key.metric, key.variation, *sides, *map(_cell, numbers), change.state)


def _value_and_error(value: MetricValue | None) -> tuple[object, object]:
    return ("", "") if value is None else (_cell(value.value), _cell(value.error))


def _cell(value: float | None) -> object:
    return "" if value is None or math.isnan(value) else f"{value:.10g}"


def _metric(change: MetricChange) -> dict[str, Any]:
    return {
        "study": change.key.study,
        "model": change.key.model or None,
        "metric": change.key.metric,
        "variation": change.key.variation or None,
        "a": None if change.a is None else _json(change.a.value),
        "a_error": None if change.a is None else _json(change.a.error),
        "b": None if change.b is None else _json(change.b.value),
        "b_error": None if change.b is None else _json(change.b.error),
        "difference": _json(change.difference),
        "error": _json(change.error),
        "distance": _json(change.distance),
        "distance_of_trainings": _json(change.distance_of_trainings),
        "false_discovery_rate": change.rate,
        "state": change.state,
    }


def _claim(claim: ClaimPart | None) -> dict[str, Any] | None:
    if claim is None:
        return None
    margin = claim.decisive
    found = None if margin is None else margin.model_dump()
    return {"verdict": claim.verdict, "statement": claim.statement, "notes": list(claim.notes), "margin": found}


def _changes(changes: tuple[SettingChange, ...]) -> list[dict[str, Any]]:
    return [{"key": c.key, "a": c.a, "b": c.b, "studies": list(c.studies)} for c in changes]


def _json(value: float | None) -> float | str | None:
    """As provenance.json has it: infinities as text."""
    if value is None or math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)
