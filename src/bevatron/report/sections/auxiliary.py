"""The report's figures of auxiliary tasks."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from bevatron.report.plots.auxiliary import plot_element_confusion, plot_vertex_efficiency
from bevatron.report.plots.learning_curve import plot_auxiliary_curves
from bevatron.report.plots.regression import plot_predictions, plot_residuals
from bevatron.report.plots.style import FEW_CLASSES, ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults

MANY = 6  # largest number of models in one figure
FOLDED_ABOVE = 12  # figures of learning curves with more panels are folded away

Curves = dict[str, dict[str, Any]]  # curves of one task, by the model's title


def draw_auxiliary_figures(results: StudyResults) -> list[ReportFigure]:
    """The figures of each auxiliary task, each with up to MANY models that have the task."""
    figures: list[ReportFigure] = []
    for task, kind, suffix, curves in _parts(results):
        name = f"{results.study.name}-auxiliary-{task.replace('_', '-')}{suffix}"
        if kind == "element_classification":
            figures.append(_draw_confusion(results, task, name, curves))
        elif kind == "same_vertex":
            figures.append(_draw_vertices(results, task, name, curves))
        else:
            figures += _draw_numbers(task, name, curves)
    return figures


def _parts(results: StudyResults) -> Iterator[tuple[str, str, str, Curves]]:
    """For each figure the name and kind of its task, a suffix, and its models."""
    by_task: dict[tuple[str, str], Curves] = {}
    for m in results.models.values():
        for task, curve in m.curves.get("auxiliary", {}).items():
            by_task.setdefault((task, curve["kind"]), {})[m.label] = curve
    for (task, kind), curves in by_task.items():
        titles = list(curves)
        for start in range(0, len(titles), MANY):
            suffix = "" if len(titles) <= MANY else f"-{start // MANY + 1}"
            yield task, kind, suffix, {title: curves[title] for title in titles[start : start + MANY]}


def _draw_confusion(results: StudyResults, task: str, name: str, curves: Curves) -> ReportFigure:
    many = any(len(curve["classes"]) > FEW_CLASSES for curve in curves.values())
    level = f"{results.study.evaluation.confidence:.0%}"
    errors = "in per cent" if many else f"with errors from a bootstrap over events ({level})"
    caption = (
        f"Auxiliary task {task}: true class of each element against the predicted class, {errors}; each row adds up to "
        "100 %. In brackets: number of elements of the test split. Mean of the seeds."
    )
    return draw_figure(partial(plot_element_confusion, curves), f"{name}-classes", caption, wide=True)


def _draw_vertices(results: StudyResults, task: str, name: str, curves: Curves) -> ReportFigure:
    settings = results.study.evaluation
    threshold = next(iter(curves.values()))["threshold"]
    primary = settings.vertices.primary
    caption = (
        f"Auxiliary task {task}: fraction of the true vertices of two or more elements that are found. Elements are "
        f"connected if their probability is above {threshold:g}; connected elements are a found vertex. It matches a "
        "true vertex if it has at least 65 % of its elements, and at least 50 % of its own elements come from it. Mean "
        f"of the seeds; bars: interval from the test split's size ({settings.confidence:.0%})."
        + ("" if primary is None else f" The true vertex with the number {primary} is left out.")
    )
    titles = {}
    for profile_name, profile in settings.profiles.items():
        units = {curve["profiles"].get(profile_name, {}).get("unit", "") for curve in curves.values()} - {"", "1"}
        titles[profile_name] = f"{profile.title} [{units.pop()}]" if units else profile.title
    draw = partial(plot_vertex_efficiency, curves, titles)
    return draw_figure(draw, f"{name}-efficiency", caption, wide=True)


def _draw_numbers(task: str, name: str, curves: Curves) -> list[ReportFigure]:
    """Prediction against target, and residuals, for each number; no figure for a target that no test sample has."""
    figures, parts = [], list(dict.fromkeys(part for curve in curves.values() for part in curve["parts"]))
    for part in parts:
        of_part = {title: curve["parts"][part] for title, curve in curves.items() if part in curve["parts"]}
        target = next(iter(curves.values()))["target"] + (f": {part}" if part else "")
        n = next(iter(curves.values()))["samples"]
        suffix = f"-{part.replace('_', '-')}" if part else ""
        caption = f"Auxiliary task {task}: prediction (mean of the seeds) against the target {target}, for some of the "
        caption += f"{n:,} test samples that have this target."
        draw = partial(plot_predictions, target, {title: curve["fit"] for title, curve in of_part.items()})
        figures.append(draw_figure(draw, f"{name}-response{suffix}", caption, wide=True))
        draw = partial(plot_residuals, {title: curve["residuals"] for title, curve in of_part.items()})
        caption = f"Auxiliary task {task}: target − prediction for {target}, mean of the seeds."
        figures.append(draw_figure(draw, f"{name}-residuals{suffix}", caption, wide=True))
    return figures


def draw_auxiliary_learning(results: StudyResults) -> list[ReportFigure]:
    """The losses of the auxiliary tasks over the epochs, if any model has them in its history."""
    models = {}
    for m in results.models.values():
        columns = {column for rows in m.histories.values() for row in rows[:1] for column in row}
        if tasks := [task for task in m.model.auxiliary if f"val_loss.{task}" in columns]:
            models[m.label] = (m.histories, tasks)
    if not models:
        return []
    caption = (
        "Loss of each auxiliary task, not multiplied by its weight, on the training split (dashed) and on the "
        "validation split (full). Dots: the epoch with the lowest validation loss of the model's own task."
    )
    n_panels = sum(len(tasks) for _, tasks in models.values())
    draw, name = partial(plot_auxiliary_curves, models), f"{results.study.name}-auxiliary-learning"
    return [draw_figure(draw, name, caption, wide=True, folded=n_panels > FOLDED_ABOVE)]
