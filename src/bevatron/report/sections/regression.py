"""The report's figures and columns for regression."""

from functools import partial

from bevatron.config.sections.task import Regression
from bevatron.report.page.section import section
from bevatron.report.plots.gaussian import plot_pulls, plot_widths
from bevatron.report.plots.regression import plot_deviations, plot_fits, plot_points, plot_predictions, plot_residuals
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults
from bevatron.report.sections.importance import draw_importance_figures
from bevatron.report.sections.invariant import draw_invariant_figures

LOSSES = {"mse": "mean squared error", "mae": "mean absolute error", "gaussian_nll": "-ln likelihood"}
SHOWN = 4  # numbers of a target that are shown; the figures of more are folded away


@section("regression")
class RegressionSection:
    """The points, the fits over the noise, the residuals, the deviations from the truth, and of predicted Gaussians the
    pulls and the widths; of several numbers each has its own figures.
    """

    def loss(self, task: Regression) -> str:
        """What the learning curves' axis is called."""
        return LOSSES[task.loss]

    def columns(self, task: Regression, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        gaussian = task.loss == "gaussian_nll"
        names = results.manifest.targets[task.target].names
        latent = ["latent_rank", "latent_agreement", "latent_peak", "component_peak", "truth_peak"]
        latent = [] if task.invariant is None else latent
        if names:
            of_each = ["rmse", "pull_width"] if gaussian else ["rmse"]
            return [*latent, "r2", *["nll"] * gaussian, *(f"{metric}.{name}" for name in names for metric in of_each)]
        widths = ["nll", "pull_mean", "pull_width", "coverage_1sigma"] if gaussian else []
        if task.truth is None:
            return [*latent, "rmse", "residual_mean", "residual_std", *widths]
        return [*latent, "relative_deviation", "deviation", "rmse_over_noise", "rmse", "noise", *widths]

    def data(self, task: Regression, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        points = results.data.points
        if points is None or not set(points.targets) - {points.truth}:  # nothing but the truth
            return []
        draw = partial(plot_points, _axis_title(task, results), task.target, points)
        caption = f"{len(points.x)} points of the test split" + (", and the truth." if points.truth else ".")
        return [draw_figure(draw, f"{results.study.name}-points", caption, wide=True)]

    def figures(self, task: Regression, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        figures = draw_invariant_figures(results)
        for number, (title, curves) in enumerate(_by_number(task, results).items()):
            suffix = f"-{number + 1}" if number else ""
            figures += _draw_number(task, results, title, curves, suffix, folded=number >= SHOWN)
        return [*figures, *draw_importance_figures(results)]


def _by_number(task: Regression, results: StudyResults) -> dict[str, dict[str, dict]]:
    """The curves of each model that has the number, by the number's title and by the model's."""
    by_number: dict[str, dict[str, dict]] = {}
    for model in results.models.values():
        target = model.model.target or task.target
        parts = model.curves.get("parts")
        named = {"": model.curves} if parts is None else {f"{target}: {name}": of for name, of in parts.items()}
        for name, curves in named.items():
            by_number.setdefault(name or task.target, {})[model.label] = curves
    return by_number


def _draw_number(
    task: Regression, results: StudyResults, title: str, curves: dict[str, dict], suffix: str, folded: bool
) -> list[ReportFigure]:
    """The figures of one number; curves by model's title."""
    name, x = results.study.name, _axis_title(task, results)
    prefix = "" if title == task.target else f"{title}. "
    fits = {m: c["fit"] for m, c in curves.items()}
    own = {m.label: m.model.target for m in results.models.values() if m.model.target} if title == task.target else {}
    if task.x is None and task.truth is None:
        draw = partial(plot_predictions, title, fits, own)
        caption = f"{prefix}Predictions (mean of the seeds) of test points against the target; dashed: equal."
    else:
        draw = partial(plot_fits, x, title, fits, own)
        caption = (
            f"{prefix}The fit over the noise: test points, the truth (dashed), the mean of the seeds' predictions "
            "(line) and their range (band)."
        )
    figures = [draw_figure(draw, f"{name}-fits{suffix}", caption, wide=True, folded=folded)]
    caption = f"{prefix}Residuals of the test points (mean of the seeds)"
    if any(c["residuals"]["noise"] is not None for c in curves.values()):
        caption += " over the noise itself, grey: a network that has found the truth leaves the noise and nothing else"
    draw = partial(plot_residuals, {m: c["residuals"] for m, c in curves.items()})
    figures.append(draw_figure(draw, f"{name}-residuals{suffix}", f"{caption}.", wide=True, folded=folded))
    if with_truth := {m: c["deviation"] for m, c in curves.items() if "deviation" in c}:
        caption = f"{prefix}RMS deviation of the predictions from the truth, bin by bin; bands: the seeds' range."
        draw = partial(plot_deviations, x, with_truth)
        figures.append(draw_figure(draw, f"{name}-deviations{suffix}", caption, wide=True, folded=folded))
    if pulls := {m: c["pulls"] for m, c in curves.items() if "pulls" in c}:
        caption = (
            f"{prefix}Pulls, (target − predicted mean) / predicted width, of the test points (mean of the seeds), "
            "beside the normal distribution of mean 0 and width 1, dashed, that they have if the widths are right."
        )
        draw = partial(plot_pulls, pulls)
        figures.append(draw_figure(draw, f"{name}-pulls{suffix}", caption, wide=True, folded=folded))
        confidence = f"{results.study.evaluation.confidence:.0%}"
        caption = (
            f"{prefix}Predicted width against the spread that is found: root mean square of target − predicted mean, "
            "in bins of the predicted width with equally many test points; intervals of "
            f"{confidence} from the test split's size."
        )
        draw = partial(plot_widths, {m: c["widths"] for m, c in curves.items() if "widths" in c})
        figures.append(draw_figure(draw, f"{name}-widths{suffix}", caption, wide=True, folded=folded))
    return figures


def _axis_title(task: Regression, results: StudyResults) -> str:
    """The horizontal axis with its unit, where it has one."""
    x = task.x
    if x is None:
        return "target" if task.truth is None else "truth"
    for info in results.manifest.groups.values():
        if x in info.features:
            unit = info.units[info.features.index(x)]
            return f"{x} [{unit}]" if unit not in ("", "1") else x
    return x or "truth"
