"""Figures of adversarial examples, for classifiers that were attacked, and of the smallest changes that suffice."""

from dataclasses import replace
from functools import partial

from bevatron.config.sections.task import Classification
from bevatron.report.plots.attacks import plot_attack_errors, plot_attack_example, plot_least_change
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults

EXAMPLES = 3


def draw_attack_figures(task: Classification, results: StudyResults) -> list[ReportFigure]:
    """Errors of all models against the size of the change, and an image that fools each of the first models."""
    attacked = {m.label: m.curves["attacks"] for m in results.models.values() if m.curves.get("attacks")}
    if not attacked:
        return []
    name = results.study.name
    caption = (
        "Fraction of the attacked test samples that are misclassified when each pixel is changed by at most ε: in one "
        "step along the sign of the gradient (FGSM), in the worst direction that several steps find (PGD), and with "
        "random signs. Means over the seeds."
    )
    figures = [draw_figure(partial(plot_attack_errors, attacked), f"{name}-attacks", caption, wide=True)]
    shown = 0
    for model in results.models.values():
        example = (model.curves.get("attacks") or {}).get("example")
        if example is None or shown == EXAMPLES:
            continue
        caption = (
            f"{model.title}: the first test image that is recognised until each pixel is changed by ε = "
            f"{example['epsilon']:g}. Above each image what the network takes it for, and with which probability."
        )
        figure = draw_figure(
            partial(plot_attack_example, example, task.classes), f"{name}-{model.name}-fooled", caption
        )
        figures.append(replace(figure, folded=shown > 0))
        shown += 1
    return figures + _draw_least_changes(task, results)


def _draw_least_changes(task: Classification, results: StudyResults) -> list[ReportFigure]:
    figures: list[ReportFigure] = []
    for model in results.models.values():
        example = model.curves.get("least_change")
        if example is None or len(figures) == EXAMPLES:
            continue
        caption = (
            f"{model.title}: the first test image that is recognised, the smallest change r that box-constrained "
            f"L-BFGS finds to make it the network's second choice (distortion {example['distortion']:g}, the root mean "
            "square of r), and the result. Above the images what the network takes each for, and with which "
            "probability."
        )
        draw = partial(plot_least_change, example, task.classes)
        figure = draw_figure(draw, f"{results.study.name}-{model.name}-least-change", caption)
        figures.append(replace(figure, folded=len(figures) > 0))
    return figures
