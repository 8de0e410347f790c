"""Figures of convolutional networks' insides, for the models that the study looks into."""

from functools import partial

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
            f"{model.title}, first seed: the first test image (left) and the first channels behind each layer, each "
            "channel on its own scale."
        )
        figures.append(draw_figure(partial(plot_feature_maps, layers), f"{prefix}-layers", caption, wide=True))
    return figures
