"""The report's figures and columns for detection."""

from dataclasses import replace
from functools import partial

from bevatron.config.sections.task import Detection
from bevatron.report.page.section import section
from bevatron.report.plots.detection import plot_boxes, plot_precision_recall
from bevatron.report.plots.images import sides_of
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import ModelResults, StudyResults
from bevatron.store.records.data import ImagesRecord

LINES = 8  # curves of a figure that an eye can tell apart
FEW = 4  # models whose boxes are shown; those of more are folded away


@section("detection")
class DetectionSection:
    """Precision against recall of all models, and what each finds on a few images."""

    def loss(self, task: Detection) -> str:
        """What the learning curves' axis is called."""
        return "sum of the four losses"

    def columns(self, task: Detection, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        percents = [f"{100 * iou:g}" for iou in task.ious]
        columns = ["map", *(f"map{p}" for p in percents), f"recall{percents[0]}", "iou"]
        measured = {name for m in results.measurements.models.values() for name in m}
        return [name for name in columns if name in measured]

    def data(self, task: Detection, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        return []

    def figures(self, task: Detection, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        name, models = results.study.name, list(results.models.values())
        figures = []
        for k in range(0, len(models), LINES):
            curves = {m.label: m.curves["precision"] for m in models[k : k + LINES]}
            iou = next(iter(curves.values()))["iou"]
            caption = (
                "Precision (fraction of the detections above a score that are correct) against recall (fraction of the "
                f"true boxes that they find) of each class, at an overlap of at least {iou:g}; at each recall the "
                "highest precision there or above. Lines: mean of the seeds; bands: range; in brackets: true boxes."
            )
            suffix = "" if len(models) <= LINES else f"-{k // LINES + 1}"
            draw = partial(plot_precision_recall, task.classes, curves)
            figures.append(draw_figure(draw, f"{name}-precision{suffix}", caption, wide=True))
        boxes = [figure for figure in (_draw_boxes(task, results, m) for m in models) if figure is not None]
        return figures + [replace(figure, folded=len(boxes) > FEW) for figure in boxes]


def _draw_boxes(task: Detection, results: StudyResults, model: ModelResults) -> ReportFigure | None:
    """The example images of the group that the model reads; None where there are none of it."""
    group = next((g for name, g in results.data.examples.items() if name in model.model.inputs), None)
    if group is None or not model.curves["examples"]:
        return None
    channel = group.features.index("y") if "y" in group.features else 0  # boxes lie in the collection plane, y
    caption = (
        f"{model.title}: images of the test split{_channel_suffix(group, channel)} with their true boxes (full) and "
        "what the first seed finds with a probability of 0.3 or more (dashed, with the probability)."
    )
    sides = sides_of(results.study.dataset.recipe.kind)
    draw = partial(plot_boxes, task.classes, group, channel, model.curves["examples"], sides)
    return draw_figure(draw, f"{results.study.name}-{model.name}-boxes", caption, wide=True)


def _channel_suffix(group: ImagesRecord, channel: int) -> str:
    return f" (channel {group.features[channel]})" if len(group.features) > 1 else ""
