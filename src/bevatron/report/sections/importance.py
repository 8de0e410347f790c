"""Figures of what trained networks rely on, for the models that the study looks into."""

from functools import partial

from bevatron.report.page.guarded import figures_or_failure
from bevatron.report.plots.importance import MOST, plot_importance
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import ModelResults, StudyResults


def draw_importance_figures(results: StudyResults) -> list[ReportFigure]:
    """A figure for each model that was looked into."""
    figures: list[ReportFigure] = []
    for model in results.models.values():
        if model.curves.get("importance"):
            draw = partial(_draw_model, results.study.name, model)
            figures += figures_or_failure(results.study.name, f"{model.name}-importance", draw)
    return figures


def _draw_model(study: str, model: ModelResults) -> list[ReportFigure]:
    importance, attributions = model.curves["importance"], model.curves.get("attributions")
    n, repeats = len(importance["features"]), len(importance["features"][0]["worse"][0])
    of = f"the {MOST} of {n} features with the largest importance" if n > MOST else f"its {n} features"
    left = "Left: how" if attributions else "How"
    caption = (
        f"{model.title}: {of}. {left} much worse it does ({importance['metric']}) on the first "
        f"{importance['samples']:,} test samples when one feature is permuted among them; mean over "
        f"{repeats} {'permutation' if repeats == 1 else 'permutations'} and the seeds, with the error of the mean, of "
        "the samples by event."
    )
    if attributions:
        incomplete = attributions["incomplete"]
        told = f" to {100 * incomplete:.2g} %" if incomplete is not None else ""
        caption += (
            f" Right: integrated gradients, mean absolute contribution of the feature to the {attributions['of']} "
            f"against the average sample, with the error from samples and seeds; contributions add up{told}."
        )
    caption += " Rings: single seeds. A feature for which another one can stand in has little importance."
    draw = partial(plot_importance, importance, attributions)
    return [draw_figure(draw, f"{study}-{model.name}-importance", caption, wide=bool(attributions))]
