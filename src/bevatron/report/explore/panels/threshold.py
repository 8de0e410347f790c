"""A threshold on the score of a classifier: what it keeps of each class, the ROC curve, the confusion matrix."""

from typing import Any

import numpy as np

from bevatron.config.sections.task import Classification
from bevatron.report.explore.arrays import encode_array, smallest_integers
from bevatron.report.explore.panel import Panel, panels
from bevatron.report.explore.score_counts import ScoreCounts, Scored, count_scores
from bevatron.report.results.study_results import ModelResults, StudyResults

BYTES = 1_500_000  # of the counts of all models, before base64
FEWEST, MOST = 24, 300  # thresholds of a model


@panels("threshold")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel for a classification whose predictions are here; none for other tasks, and for too many classes."""
    task = results.study.task
    if not isinstance(task, Classification) or task.kind != "classification":  # in a plane: outputs are no logits
        return []
    if 4 * len(task.classes) ** 2 * (FEWEST + 1) > BYTES:  # some 120 classes: no eye follows such a matrix either
        return []
    models = _models_shown(results, task)
    here = [m for m in models if _path(results, m).is_file()]
    if not here:
        raise FileNotFoundError("the files evaluation/*/predictions.h5 are missing")
    fractions = task.normalised_fractions()
    listed = None if fractions is None else [fractions.get(name, 0.0) for name in task.classes]
    scored = Scored(task.classes.index(task.signal), len(task.classes), None if listed is None else np.array(listed))
    n_edges = int(np.clip(BYTES // (4 * len(task.classes) ** 2 * len(here)) - 1, FEWEST, MOST))
    counted = {
        m.name: count_scores(_path(results, m), m.metrics.target, results.manifest.sha256, scored, n_edges)
        for m in here
    }
    data = {
        "classes": task.classes,
        "signal": scored.signal,
        "fractions": listed,
        "efficiency": sorted(task.efficiencies)[len(task.efficiencies) // 2],
        "weighted": results.manifest.weighted,
        "first": max(range(len(here)), key=lambda i: _area(results, here[i], task.signal)),
        "models": [_model(m, counted[m.name]) for m in here],
    }
    return [
        Panel(
            "threshold",
            "A threshold on the score",
            _explain(results, models, here, max(c.step for c in counted.values())),
            data,
            "threshold.js",
        )
    ]


def _explain(results: StudyResults, models: list[ModelResults], here: list[ModelResults], step: int) -> str:
    task = results.study.task
    assert isinstance(task, Classification)
    score = f"the probability p of {task.signal}"
    if task.background_fractions is not None:
        score = f"log(p / Σ f p'), the likelihood ratio of {task.signal} to a background of the stated fractions f"
    text = (
        f"A sample is called {task.signal} where {score} reaches the threshold, else the most probable other class. "
        "Move the threshold: the more of the signal is kept, the more of the background passes too, and the ROC curve "
        "is the path of this trade. "
    )
    text += "All samples" if step == 1 else f"One in {step} samples"
    text += " of the test split count" + ("" if step == 1 else "s")
    text += ", with their weights" if results.manifest.weighted else ""
    text += "; numbers are means over the trainings (seeds)."
    if len(models) < len(results.models):
        text += f" Of {len(results.models)} models the {len(models)} with the largest area under the curve are shown."
    if missing := [m.title for m in models if m not in here]:
        text += f" The predictions of {', '.join(missing)} are not here."
    return text


def _models_shown(results: StudyResults, task: Classification) -> list[ModelResults]:
    """All models in their order; if they are too many for the page, those with the largest area under the curve."""
    most = BYTES // (4 * len(task.classes) ** 2 * (FEWEST + 1))
    models = list(results.models.values())
    best = {m.name for m in sorted(models, key=lambda m: _area(results, m, task.signal), reverse=True)[:most]}
    return [m for m in models if m.name in best]


def _area(results: StudyResults, m: ModelResults, signal: str) -> float:
    """The area under a model's curve, -1 of one that has none."""
    measured = results.metric(m.name, f"auc.{signal}_vs_rest")
    return measured.value if measured is not None and np.isfinite(measured.value) else -1.0


def _path(results: StudyResults, m: ModelResults) -> Any:
    return results.folder / "evaluation" / m.name / "predictions.h5"


def _model(m: ModelResults, found: ScoreCounts) -> dict[str, Any]:
    return {
        "title": m.label,
        "seeds": found.n_seeds,
        "edges": encode_array(found.edges.astype(np.float64)),
        "sums": encode_array(_compact(found)),
    }


def _compact(found: ScoreCounts) -> np.ndarray:
    """The sums over the seeds: whole numbers as the smallest integers, others as float32."""
    sums = found.counts * found.n_seeds
    whole = np.rint(sums)
    if np.allclose(sums, whole, rtol=0, atol=1e-6) and whole.max(initial=0) < 2**31:
        return smallest_integers(whole.astype(np.int64))
    return sums.astype(np.float32)
