"""Figures of convolutional networks' insides, for the models that the study looks into."""

from functools import partial

from bevatron.report.plots.layers import filters_of, maps_of
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults


def layer_figures(results: StudyResults) -> list[ReportFigure]:
    """The filters of the first convolution, and what each layer makes of the first test image."""
    found = []
    for model in results.models.values():
        drawn = model.curves.get("layers")
        if not drawn:
            continue
        place = f"{results.study.name}-{model.name}"
        caption = f"{model.title}, first seed: learned filters of the first convolution, mean over its input channels."
        found.append(draw_figure(partial(filters_of, drawn), f"{place}-filters", caption))
        caption = (
            f"{model.title}, first seed: the first test image (left) and the first channels behind each layer, each "
            "channel on its own scale."
        )
        found.append(draw_figure(partial(maps_of, drawn), f"{place}-layers", caption, wide=True))
    return found
