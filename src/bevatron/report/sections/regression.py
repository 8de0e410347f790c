"""The report's figures and columns for regression."""

from functools import partial

from bevatron.config.sections.task import Regression
from bevatron.report.page.section import section
from bevatron.report.plots.regression import plot_deviations, plot_fits, plot_points, plot_residuals
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults


@section("regression")
class RegressionSection:
    """The points, the fits over the noise, the residuals, and the deviations from the truth."""

    loss = "mean squared error"

    def columns(self, task: Regression, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        if task.truth is None:
            return ["rmse", "residual_mean", "residual_std"]
        return ["relative_deviation", "deviation", "rmse_over_noise", "rmse", "noise"]

    def data(self, task: Regression, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        points = results.data.points
        if points is None:
            return []
        draw = partial(plot_points, _axis_title(task, results), task.target, points)
        caption = f"{len(points.x)} points of the test split" + (", and the truth." if points.truth else ".")
        return [draw_figure(draw, f"{results.study.name}-points", caption, wide=True)]

    def figures(self, task: Regression, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        study = results.study
        models = results.models.values()
        x = _axis_title(task, results)
        draw = partial(plot_fits, x, task.target, {m.label: m.curves["fit"] for m in models})
        caption = (
            "The fit over the noise: test points, the truth (dashed), the mean of the seeds' predictions "
            "(line) and their range (band)."
        )
        figures = [draw_figure(draw, f"{study.name}-fits", caption, wide=True)]
        draw = partial(plot_residuals, {m.label: m.curves["residuals"] for m in models})
        caption = (
            "Residuals of the test points (mean of the seeds) over the noise itself, grey: a network that "
            "has found the truth leaves the noise and nothing else."
        )
        figures.append(draw_figure(draw, f"{study.name}-residuals", caption, wide=True))
        with_truth = {m.label: m.curves["deviation"] for m in models if "deviation" in m.curves}
        if with_truth:
            draw = partial(plot_deviations, x, with_truth)
            caption = "RMS deviation of the predictions from the truth, bin by bin; bands: the seeds' range."
            figures.append(draw_figure(draw, f"{study.name}-deviations", caption, wide=True))
        return figures


def _axis_title(task: Regression, results: StudyResults) -> str:
    """The horizontal axis with its unit, where it has one."""
    x = task.x
    if x is None:
        return "truth"
    for info in results.manifest.groups.values():
        if x in info.features:
            unit = info.units[info.features.index(x)]
            return f"{x} [{unit}]" if unit not in ("", "1") else x
    return x or "truth"
