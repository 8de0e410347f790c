"""Searches as parallel coordinates: an axis for each hyperparameter and one for the loss, a line for each trial."""

import math
from typing import Any

from bevatron.config.sections.search import Search
from bevatron.report.explore.panel import Panel, panels
from bevatron.report.results.study_results import ModelResults, Row, StudyResults

TRIALS = 400  # of a search; of more the best are shown


@panels("searches")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel with the searches of all models that have one."""
    searches = [
        _search(m, settings) for m in results.models.values() if (settings := _settings(results, m)) is not None
    ]
    searches = [search for search in searches if search["trials"]]
    if not searches:
        return []
    explanation = (
        "Each line is a trial: the values that were tried, and on the last axis the validation loss they led to; dark "
        "lines are the best trials. Choose an axis and narrow its range: which values do all good trials share, and "
        "which make no difference? Trials that were stopped early have learned for fewer epochs."
    )
    if hidden := sum(search["hidden"] for search in searches):
        explanation += f" Of each search the best {TRIALS} trials are shown; {hidden} others are left out."
    return [Panel("searches", "Searches", explanation, {"searches": searches}, "searches.js")]


def _settings(results: StudyResults, m: ModelResults) -> Search | None:
    return results.study.models[m.name].search if m.search is not None else None


def _search(m: ModelResults, settings: Search) -> dict[str, Any]:
    """A search's axes, and its trials from the best on."""
    rows = m.search.trials if m.search is not None else []
    rows = sorted(rows, key=lambda row: (_loss(row) is None, _loss(row) or 0.0))
    return {
        "model": m.label,
        "axes": [_axis(key, settings, rows) for key in settings.space],
        "trials": [_trial(row, settings) for row in rows[:TRIALS]],
        "hidden": max(0, len(rows) - TRIALS),
    }


def _axis(key: str, settings: Search, rows: list[Row]) -> dict[str, Any]:
    """{"name", "kind": linear or log, "low", "high"} of numbers, {"name", "kind": choice, "values"} of all else."""
    distribution = settings.space[key]
    numbers = [_number(row.get(key)) for row in rows]
    if distribution.kind == "choice" or any(value is None for value in numbers):
        stated = (
            ["" if value is None else str(value) for value in distribution.values]
            if distribution.kind == "choice"
            else []
        )
        found = [row.get(key) or "" for row in rows]
        return {"name": key, "kind": "choice", "values": list(dict.fromkeys([*stated, *found]))}
    kind = "log" if distribution.kind == "log_uniform" else "linear"
    return {"name": key, "kind": kind, "low": distribution.low, "high": distribution.high}


def _trial(row: Row, settings: Search) -> dict[str, Any]:
    return {
        "number": row.get("trial", ""),
        "values": [row.get(key) or "" for key in settings.space],
        "loss": _loss(row),
        "epochs": row.get("epochs", ""),
        "status": " ".join(word for word in (row.get("status"), row.get("reason")) if word),
    }


def _loss(row: Row) -> float | None:
    return _number(row.get("val_loss"))


def _number(text: str | None) -> float | None:
    """A finite number, None for anything else."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
