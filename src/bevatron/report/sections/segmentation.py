"""The report's figures and columns for a segmentation."""

from functools import partial

from matplotlib.figure import Figure

from bevatron.config.sections.task import Segmentation
from bevatron.report.page.section import section
from bevatron.report.plots.confusion import plot_confusion
from bevatron.report.plots.images import sides_of
from bevatron.report.plots.segmentation import plot_by_class, plot_segmented
from bevatron.report.plots.style import ReportFigure, create_panels, draw_figure
from bevatron.report.results.study_results import ModelResults, StudyResults

LINES = 8  # models of a figure that an eye can tell apart
FEW = 3  # models whose images are shown; those of more are folded away


@section("segmentation")
class SegmentationSection:
    """Intersection over union, efficiency and purity of each class; what is taken for what; images beside the truth."""

    def loss(self, task: Segmentation) -> str:
        """What the learning curves' axis is called."""
        return "cross entropy of a pixel"

    def columns(self, task: Segmentation, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        columns = ["mean_iou", *(f"iou.{name}" for name in task.classes), "accuracy", "dense_cost"]
        measured = {name for m in results.measurements.models.values() for name in m}
        return [name for name in columns if name in measured]

    def data(self, task: Segmentation, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        return []

    def figures(self, task: Segmentation, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        name, models = results.study.name, list(results.models.values())
        figures = []
        for k in range(0, len(models), LINES):
            shown = {m.label: dict(results.measurements.models[m.name]) for m in models[k : k + LINES]}
            caption = (
                "Each class's pixels of the test split. IoU: pixels that are of the class and predicted so, over those "
                "that are one or the other. Efficiency: fraction of its pixels that are predicted so. Purity: fraction "
                "of the pixels predicted so that are of it. A class without a pixel has no point. Errors: images of "
                "the test split, and seeds."
            )
            suffix = "" if len(models) <= LINES else f"-{k // LINES + 1}"
            draw = partial(plot_by_class, task.classes, shown)
            figures.append(draw_figure(draw, f"{name}-classes{suffix}", caption, wide=True))
        for m in models:
            figures += _draw_model(task, results, m, folded=len(models) > FEW)
        return figures


def _draw_model(task: Segmentation, results: StudyResults, model: ModelResults, folded: bool) -> list[ReportFigure]:
    name = f"{results.study.name}-{model.name}"
    caption = (
        f"{model.title}: what the pixels of each true class are taken for, mean over the seeds, with the error of the "
        "test split's images. In brackets: pixels of the class."
    )
    draw = partial(_plot_matrix, task.classes, model.curves["confusion"])
    figures = [draw_figure(draw, f"{name}-confusion", caption, folded=folded)]
    if model.curves["examples"]:
        caption = (
            f"{model.title}: images of the test split that hold most classes, cut out around their charge; left what "
            "made each pixel's charge, right what the first seed says."
        )
        sides = sides_of(results.study.dataset.recipe.kind)
        draw = partial(plot_segmented, task.classes, model.curves["examples"], sides)
        figures.append(draw_figure(draw, f"{name}-images", caption, wide=True, folded=folded))
    return figures


def _plot_matrix(classes: list[str], curve: dict) -> Figure:
    figure, (axes,) = create_panels(1, columns=1, height=4.6)
    figure.set_figwidth(7.2)
    plot_confusion(classes, curve, axes)
    return figure
