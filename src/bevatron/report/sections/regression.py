"""The report's figures and columns for regression."""

from functools import partial

from bevatron.report.page.section import section
from bevatron.report.plots.regression import deviations, fits, points, residuals
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults


@section("regression")
class RegressionSection:
    """The points, the fits over the noise, the residuals, and the deviations from the truth."""

    loss = "mean squared error"

    def columns(self, results: StudyResults) -> list[str]:
        if results.study.task.truth is None:
            return ["rmse", "residual_mean", "residual_std"]
        return ["relative_deviation", "deviation", "rmse_over_noise", "rmse", "noise"]

    def data(self, results: StudyResults) -> list[ReportFigure]:
        drawn = results.data.points
        if drawn is None:
            return []
        draw = partial(points, _axis(results), results.study.task.target, drawn)
        caption = f"{len(drawn.x)} points of the test split" + (", and the truth." if drawn.truth else ".")
        return [draw_figure(draw, f"{results.study.name}-points", caption, wide=True)]

    def figures(self, results: StudyResults) -> list[ReportFigure]:
        study = results.study
        models = results.models.values()
        x = _axis(results)
        draw = partial(fits, x, study.task.target, {m.label: m.curves["fit"] for m in models})
        caption = (
            "The fit over the noise: test points, the truth (dashed), the mean of the seeds' predictions "
            "(line) and their range (band)."
        )
        found = [draw_figure(draw, f"{study.name}-fits", caption, wide=True)]
        draw = partial(residuals, {m.label: m.curves["residuals"] for m in models})
        caption = (
            "Residuals of the test points (mean of the seeds) over the noise itself, grey: a network that "
            "has found the truth leaves the noise and nothing else."
        )
        found.append(draw_figure(draw, f"{study.name}-residuals", caption, wide=True))
        known = {m.label: m.curves["deviation"] for m in models if "deviation" in m.curves}
        if known:
            draw = partial(deviations, x, known)
            caption = "RMS deviation of the predictions from the truth, bin by bin; bands: the seeds' range."
            found.append(draw_figure(draw, f"{study.name}-deviations", caption, wide=True))
        return found


def _axis(results: StudyResults) -> str:
    """The horizontal axis with its unit, where it has one."""
    x = results.study.task.x
    for info in results.manifest.groups.values():
        if x in info.features:
            unit = info.units[info.features.index(x)]
            return f"{x} [{unit}]" if unit not in ("", "1") else x
    return x or "truth"
