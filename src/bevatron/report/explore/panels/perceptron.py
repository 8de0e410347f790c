"""A single unit, y = f(w·x - θ), with sliders for w, θ and the activation, over the points it was trained for."""

from typing import Any

import numpy as np

from bevatron.report.explore.panel import Panel, panels
from bevatron.report.results.study_results import ModelResults, StudyResults

DIGITS = 3  # of the coordinates of points
SLOPES = {"leaky_relu": 0.01, "prelu": 0.25}  # of the architecture, where the study states none


@panels("perceptron")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel for a study of two classes in a plane that has single units which see the plane as it is."""
    if results.study.task.kind != "classification_2d":
        return []
    units = [unit for m in results.models.values() if (unit := _unit(m)) is not None]
    if not units:
        return []
    units.sort(key=lambda unit: unit["activation"] != "logistic")  # to begin with: of a step no slider shows much
    point_sets = {unit["points"]: results.models[unit["name"]].curves for unit in units}
    data = {
        "classes": results.study.task.classes,
        "units": units,
        "points": {name: _points(curves) for name, curves in point_sets.items()},
    }
    explanation = (
        "A unit says class 1 where y = f(w·x − θ) is above ½. The sliders start at the values that a training found. "
        "The direction of w turns the line, its length makes the response steeper, θ shifts the line by θ/|w|; the "
        "activation f changes what y is, and the same line can belong to many units. Accuracy and loss are those of "
        "the points shown, the first of the test split."
    )
    return [Panel("perceptron", "The response of a unit", explanation, data, "perceptron.js")]


def _unit(m: ModelResults) -> dict[str, Any] | None:
    """A model's activation, and w₁, w₂, θ of each seed; None where it is no single unit, or sees scaled inputs."""
    weights = m.curves["weights"]
    if not weights or any(line is None for line in weights) or m.model.normalise != "none":
        return None
    activation = getattr(m.model.architecture, "activation", "step")
    return {
        "name": m.name,
        "title": m.label,
        "points": ", ".join(m.model.inputs),
        "activation": activation,
        "slopes": [_slope(m, seed) for seed in range(len(weights))] if activation in SLOPES else None,
        "weights": weights,
        "seeds": [run.seed if run.fold is None else f"{run.seed} of fold {run.fold}" for run in m.runs],
    }


def _slope(m: ModelResults, seed: int) -> float:
    """The slope below zero: as configured; where it is learned, as the unit's response shows it, y / (w·x - θ)."""
    stated = getattr(m.model.architecture, "slope", None)
    if getattr(m.model.architecture, "activation", "") != "prelu":
        return SLOPES["leaky_relu"] if stated is None else float(stated)
    left, right, bottom, top = m.curves["extent"]
    y = np.array(m.curves["surfaces"][seed]) + 0.5
    x_1, x_2 = np.meshgrid(np.linspace(left, right, y.shape[1]), np.linspace(bottom, top, y.shape[0]))
    w_1, w_2, theta = m.curves["weights"][seed]
    z = w_1 * x_1 + w_2 * x_2 - theta
    below = z < min(-0.1, 0.5 * z.min())
    if not below.any():
        return SLOPES["prelu"] if stated is None else float(stated)
    return round(float(np.median(y[below] / z[below])), 4)


def _points(curves: dict[str, Any]) -> dict[str, Any]:
    return {
        "x": [[round(float(value), DIGITS) for value in point] for point in curves["points"]["x"]],
        "label": curves["points"]["label"],
        "extent": curves["extent"],
    }
