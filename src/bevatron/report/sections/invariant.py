"""Figures of auto-encoders with one latent dimension, for studies that compare it with an invariant."""

from functools import partial

from bevatron.report.plots.invariant import plot_invariant
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults


def draw_invariant_figures(results: StudyResults) -> list[ReportFigure]:
    """A figure for each model whose latent dimension was looked at."""
    figures: list[ReportFigure] = []
    for model in results.models.values():
        curves = model.curves.get("invariant")
        if curves is None:
            continue
        caption = (
            f"{model.label}. Spectra of the test split, resonances over background: by the true {curves['truth']}, by "
            f"the latent dimension h (its sign chosen so that it rises with the {curves['truth']}), and by "
            f"{curves['component']}, the single input that tells signal and background apart best in the training "
            "split; the outermost hundredth on both sides is left out. Last: h of the first test events from two views "
            "of each, joined by a line. Seed 0."
        )
        draw = partial(plot_invariant, curves)
        figures.append(draw_figure(draw, f"{results.study.name}-{model.name}-invariant", caption, wide=True))
    return figures
