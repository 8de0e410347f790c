"""Figures of adversarial examples, for classifiers that were attacked."""

from dataclasses import replace
from functools import partial

from bevatron.config.sections.task import Classification
from bevatron.report.plots.attacks import plot_attack_errors, plot_attack_example
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
    return figures
