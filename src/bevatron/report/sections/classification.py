"""The report's figures and columns for classification."""

from dataclasses import replace
from functools import partial

from matplotlib.figure import Figure

from bevatron.config.sections.grid import name_of
from bevatron.config.sections.task import Classification
from bevatron.report.page.guarded import figures_or_failure
from bevatron.report.page.section import section
from bevatron.report.plots.calibration import plot_calibration
from bevatron.report.plots.confusion import plot_confusion
from bevatron.report.plots.roc import backgrounds_shown, plot_roc
from bevatron.report.plots.score import plot_score
from bevatron.report.plots.style import FEW_CLASSES, ReportFigure, create_panels, draw_figure
from bevatron.report.results.study_results import ModelResults, StudyResults
from bevatron.report.sections.attacks import draw_attack_figures
from bevatron.report.sections.examples import draw_example_figures
from bevatron.report.sections.importance import draw_importance_figures
from bevatron.report.sections.layers import draw_filter_tuning, draw_layer_figures
from bevatron.report.sections.tagging import (
    draw_tagging_figures,
    reference_label,
    words_of_left_out,
)
from bevatron.store.records.data import ObservableRecord

LINES = 8  # curves of a figure that an eye can tell apart
FEW = 4  # figures of single models that are shown; more are folded away


@section("classification")
class ClassificationSection:
    """Images, where there are any; ROC curves of all models and of single cuts; single models one by one."""

    def loss(self, task: Classification) -> str:
        """What the learning curves' axis is called."""
        return "cross entropy"

    def columns(self, task: Classification, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        backgrounds = [name for name in task.classes if name != task.signal]
        middle = sorted(task.efficiencies)[len(task.efficiencies) // 2]
        return [
            f"auc.{task.signal}_vs_rest",
            *(f"auc.{task.signal}_vs_{name}" for name in backgrounds),
            *(f"rejection.{name}.at_{100 * middle:g}" for name in backgrounds),
            "accuracy",
        ]

    def data(self, task: Classification, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        return draw_example_figures(results)

    def figures(self, task: Classification, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        name, figures = results.study.name, []
        for suffix, group in _group_models(results).items():
            figures += figures_or_failure(name, f"roc{suffix}", partial(_draw_roc, task, results, suffix, group))
        single = _models_shown_alone(results, task.signal)
        alone = [_draw_model(task, results, model, folded=len(single) > FEW) for model in single]
        if not figures and alone:
            nowhere = words_of_left_out([c for c in task.classes if c != task.signal], [])
            alone[0] = replace(alone[0], caption=f"{alone[0].caption} No figure of rejections:{nowhere}")
        figures += alone
        return [
            *draw_attack_figures(task, results),
            *draw_layer_figures(results),
            *draw_filter_tuning(results),
            *draw_tagging_figures(task, results),
            *draw_importance_figures(results),
            *figures,
        ]


def _draw_roc(
    task: Classification, results: StudyResults, suffix: str, group: list[ModelResults]
) -> list[ReportFigure]:
    """The rejections of some models in one figure; none where no background has a panel."""
    cuts = {o.title: o.roc for o in _best_cuts(results, task.signal) if o.roc is not None}
    backgrounds = [c for c in task.classes if c != task.signal]
    curves = {m.label: m.curves["roc"] for m in group}
    reference = reference_label(results)
    if reference not in curves:  # the best, beside which the others can be seen on a linear scale
        reference = max(group, key=lambda m: _area(results, m.name, task.signal)).label
    caption = (
        f"Rejection (1 / fraction kept) of each background against the efficiency for {task.signal}, by one cut on the "
        f"probability of {task.signal}. Lines: mean of the seeds; bands: binomial interval "
        f"({results.study.evaluation.confidence:.0%}), by event, and error of that mean, in quadrature; upright lines: "
        "the efficiencies at which rejections are quoted. Curves end where fewer than five background samples pass."
        f"{words_of_left_out(backgrounds, backgrounds_shown(backgrounds, curves))}"
    )
    if len(curves) > 1:
        caption += f" Below, where both have a curve: the ratio to {reference}."
    if cuts:
        caption += " Grey: cuts on single observables, no network."
    draw = partial(plot_roc, task.signal, backgrounds, curves, cuts, task.efficiencies, reference)
    figure = draw_figure(draw, f"{results.study.name}-roc{suffix}", caption, wide=True)
    return [figure] if figure is not None else []


def _group_models(results: StudyResults) -> dict[str, list[ModelResults]]:
    """Models whose curves share a figure, by its name's suffix: each column of a grid, and the others a few a time."""
    groups: dict[str, list[ModelResults]] = {}
    in_grids = set()
    for name, models in results.study.grids.items():
        for point in models.points:
            model = name_of(point)
            in_grids.add(model)
            groups.setdefault(f"-{name}-{point[0]}", []).append(results.models[model])
    others = [m for m in results.models.values() if m.name not in in_grids]
    for k in range(0, len(others), LINES):
        suffix = "" if len(others) <= LINES else f"-{k // LINES + 1}"
        groups[suffix] = others[k : k + LINES]
    return groups


def _models_shown_alone(results: StudyResults, signal: str) -> list[ModelResults]:
    """Models that have a figure of their own: of a grid the best alone, by the area under its curve."""
    dropped = set()
    for models in results.study.grids.values():
        names = [name_of(point) for point in models.points]
        dropped |= set(names) - {max(names, key=lambda name: _area(results, name, signal))}
    return [m for m in results.models.values() if m.name not in dropped]


def _area(results: StudyResults, name: str, signal: str) -> float:
    """The area under a model's curve, -1 of one that has none."""
    measured = results.metric(name, f"auc.{signal}_vs_rest")
    return -1.0 if measured is None or not measured.value >= 0 else measured.value


def _draw_model(task: Classification, results: StudyResults, model: ModelResults, folded: bool) -> ReportFigure:
    many = len(task.classes) > FEW_CLASSES
    errors = "in per cent" if many else f"with binomial errors ({results.study.evaluation.confidence:.0%})"
    caption = (
        f"{model.title}. Left: its probability of {task.signal} in each class. Middle: true against "
        f"predicted class {errors}, number of test samples in brackets. Right: predicted probabilities against the "
        "fractions observed."
    )
    draw = partial(_draw_classes, task, model.curves)
    return draw_figure(draw, f"{results.study.name}-{model.name}-classes", caption, wide=True, folded=folded)


def _draw_classes(task: Classification, curves: dict) -> Figure:
    figure, (left, middle, right) = create_panels(3, height=3.5)
    plot_score(task.signal, task.classes, curves["score"], left)
    plot_confusion(task.classes, curves["confusion"], middle)
    plot_calibration(task.classes, curves["calibration"], right)
    return figure


def _best_cuts(results: StudyResults, signal: str) -> list[ObservableRecord]:
    """Up to three observables with the highest AUC of the signal against the rest."""
    key = f"auc.{signal}_vs_rest"

    def area(name: str) -> float:
        measured = results.measurements.observables.get(f"{name}.{key}")
        return measured.value if measured is not None else 0.0

    observables = results.data.observables
    return [observables[name] for name in sorted(observables, key=area, reverse=True)[:3]]
