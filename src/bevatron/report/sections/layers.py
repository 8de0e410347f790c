"""Figures of convolutional networks' insides, for the models that the study looks into."""

from functools import partial

from bevatron.report.plots.filter_tuning import plot_filter_tuning
from bevatron.report.plots.layers import plot_feature_maps, plot_filters
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults


def draw_layer_figures(results: StudyResults) -> list[ReportFigure]:
    """The filters of the first convolution, and what each layer makes of the first test image."""
    figures = []
    for model in results.models.values():
        layers = model.curves.get("layers")
        if not layers:
            continue
        prefix = f"{results.study.name}-{model.name}"
        caption = f"{model.title}, first seed: learned filters of the first convolution, mean over its input channels."
        figures.append(draw_figure(partial(plot_filters, layers), f"{prefix}-filters", caption))
        caption = (
            f"{model.title}, first seed: the first test image, and what each layer makes of it: its number of channels "
            "and their size, and the first of them, from the layer's lowest value (blue) to its highest (yellow)."
        )
        figures.append(draw_figure(partial(plot_feature_maps, layers), f"{prefix}-layers", caption, wide=True))
    return figures


def draw_filter_tuning(results: StudyResults) -> list[ReportFigure]:
    """The filters of the first convolution, and their responses to lines and edges of all orientations."""
    figures = []
    for model in results.models.values():
        if not (tuning := model.curves.get("filter_tuning")):
            continue
        caption = (
            f"{model.title}, first seed: filters of the first convolution (red negative, blue positive), and the "
            "response of each to a line and to an edge against their orientation, counter-clockwise from horizontal: "
            "the largest over all places, of the filter scaled to a norm of 1, after the training and before it."
        )
        name = f"{results.study.name}-{model.name}-tuning"
        figures.append(draw_figure(partial(plot_filter_tuning, tuning), name, caption, wide=True))
    return figures
