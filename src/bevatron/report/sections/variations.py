"""The report's figures of systematic variations, of any task."""

from functools import partial

from bevatron.config.sections.task import Classification
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.plots.variations import plot_envelope, plot_shifts
from bevatron.report.results.study_results import StudyResults
from bevatron.report.tables.metric_titles import title_of

MANY = 8  # models that one figure can tell apart
FEW = 2  # figures of single models that are shown; more are folded away


def draw_variation_figures(results: StudyResults, metrics: list[str]) -> list[ReportFigure]:
    """Shifts of the metrics that matter most; of a classification also what becomes of the rejections."""
    study = results.study
    if not study.variations:
        return []
    titles = {name: study.variation_title(name) for name in study.variations}
    models, figures = list(results.models.values()), []
    shifts = results.measurements.shifts
    of_metrics = {metric: title_of(metric) for metric in metrics}
    for start in range(0, len(models), MANY):
        part = models[start : start + MANY]
        of_models = {m.label: {titles[name]: shifts[name][m.name] for name in titles} for m in part}
        suffix = "" if len(models) <= MANY else f"-{start // MANY + 1}"
        caption = "Systematic variations: shift of each metric, mean over the seeds, with the error of the difference."
        draw = partial(plot_shifts, of_metrics, of_models)
        figures.append(draw_figure(draw, f"{study.name}-shifts{suffix}", caption, wide=True))
    if isinstance(study.task, Classification) and study.task.kind == "classification":
        backgrounds = [name for name in study.task.classes if name != study.task.signal]
        for m in models:
            varied = {titles[name]: results.variations[name][m.name].curves["roc"] for name in titles}
            caption = (
                f"{m.title}: background rejection under each variation over the nominal one, at the same efficiency "
                f"for {study.task.signal}, and the envelope of all. Means over the seeds; curves end where fewer than "
                "five background samples pass."
            )
            draw = partial(plot_envelope, study.task.signal, backgrounds, m.curves["roc"], varied)
            name, folded = f"{study.name}-{m.name}-envelope", len(models) > FEW
            figure = draw_figure(draw, name, caption, wide=True, folded=folded)
            figures += [] if figure is None else [figure]
    return figures
