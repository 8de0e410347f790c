"""Learning curves of runs to be chosen: each quantity of history.csv against epoch, step or time."""

import math

import numpy as np

from bevatron.report.explore.arrays import encode_array
from bevatron.report.explore.panel import Panel, panels
from bevatron.report.results.study_results import ModelResults, Row, StudyResults

AXES = {"epoch": "epoch", "step": "step", "seconds": "time (s)"}
POINTS = 120_000  # of all runs together, about 2.5 MB
"""Numbers that the panel may hold; runs with more epochs than fit are thinned evenly."""


@panels("learning_curves")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel with all runs that have a history; none for a study whose models are all made in closed form."""
    runs = [  # a history without an epoch, a step or a time cannot be drawn
        (m, key, rows)
        for m in results.models.values()
        for key, rows in sorted(m.histories.items(), key=lambda item: _order(item[0]))
        if any(_is_numeric(rows, name) for name in AXES)
    ]
    quantities = list(dict.fromkeys(name for _, _, rows in runs for name in rows[0] if name not in AXES))
    quantities = [name for name in quantities if any(_is_numeric(rows, name) for _, _, rows in runs)]
    if not runs or not quantities:
        return []
    most = max(10, POINTS // (len(runs) * (len(AXES) + len(quantities))))
    data = {
        "axes": [[name, title] for name, title in AXES.items() if any(_is_numeric(rows, name) for _, _, rows in runs)],
        "quantities": quantities,
        "runs": [_run(m, key, rows, quantities, most) for m, key, rows in runs],
    }
    thinned = any(len(rows) > most for _, _, rows in runs)
    explanation = (
        "What was logged in each run, over epochs, steps or time. Choose runs and one or two quantities: a gap that "
        "opens between the training and the validation loss is overtraining; a loss that still falls at the end has "
        "not finished learning."
    )
    if thinned:
        explanation += f" Of longer histories {most} points, evenly spaced, are shown."
    return [Panel("learning-curves", "Learning curves", explanation, data, "learning_curves.js")]


def _order(key: int | tuple[int, int]) -> tuple[int, int]:
    return key if isinstance(key, tuple) else (-1, key)


def _run(
    m: ModelResults, key: int | tuple[int, int], rows: list[Row], quantities: list[str], most: int
) -> dict[str, object]:
    """A run's title and its columns, each an encoded array (n,) float32; NaN where nothing was logged."""
    text = f"seed {key}" if isinstance(key, int) else f"fold {key[0]}, seed {key[1]}"
    selected = rows
    if len(rows) > most:
        selected = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, most).round().astype(int))]
    names = [name for name in (*AXES, *quantities) if _is_numeric(rows, name)]
    columns = {name: encode_array(np.array([_number(row.get(name)) for row in selected], np.float32)) for name in names}
    return {"model": m.label, "run": text, "columns": columns}


def _is_numeric(rows: list[Row], name: str) -> bool:
    return any(math.isfinite(_number(row.get(name))) for row in rows)


def _number(text: str | None) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        return math.nan
