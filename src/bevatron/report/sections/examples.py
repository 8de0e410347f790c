"""Figures of example images, for every section whose samples are images."""

from dataclasses import replace
from functools import partial

from bevatron.report.plots.images import plot_examples, sides_of
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults


def draw_example_figures(results: StudyResults) -> list[ReportFigure]:
    """One figure for each input group that holds images; all but the first are folded away."""
    sides, figures = sides_of(results.study.dataset.recipe.kind), []
    for name, group in results.data.examples.items():
        if not group.images:
            continue
        size = " × ".join(str(side * group.rebin) for side in group.shape)
        caption = f"Input group {name}: the first image of the test split of each class, {size} pixels"
        if group.rebin > 1:
            caption += f", drawn with {group.rebin} × {group.rebin} of them summed"
        figure_name = f"{results.study.name}-{name}-examples"
        figure = draw_figure(partial(plot_examples, group, sides), figure_name, f"{caption}.", wide=True)
        figures.append(replace(figure, folded=bool(figures)))
    return figures
