"""Figures of discriminants, and of efficiency and rejection in bins of a variable."""

from functools import partial

from bevatron.config.sections.grid import name_of
from bevatron.config.sections.performance import Discriminant
from bevatron.config.sections.task import Classification
from bevatron.report.page.guarded import figures_or_failure
from bevatron.report.plots.roc import backgrounds_shown, plot_roc
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.plots.tagging import plot_discriminants, plot_profile
from bevatron.report.results.study_results import ModelResults, StudyResults

COMPARED = 6  # models of a figure that compares their discriminants
IN_PROFILES = 4  # and of one with points in bins
BACKGROUNDS = 3  # of a profile, the first ones
ALONE = 3  # models whose discriminant is shown by class


def draw_tagging_figures(task: Classification, results: StudyResults) -> list[ReportFigure]:
    """Rejections by each discriminant, its distributions, and efficiency and rejection in bins of each variable.

    What the evaluation of a model lacks, as it was made with other settings, costs the figures that need it.
    """
    study, settings = results.study.name, results.study.evaluation
    figures: list[ReportFigure] = []
    for name in settings.discriminants:
        figures += figures_or_failure(study, f"roc-{name}", partial(_discriminant_figures, task, results, name))
    for name in settings.profiles:
        figures += figures_or_failure(study, f"profile-{name}", partial(_profile_figures, task, results, name))
    return figures


def best_models(results: StudyResults, metric: str, most: int) -> list[ModelResults]:
    """The reference of the study's ratios, and of the other models those with the largest metric, up to `most`
    together; in the order of the study, the reference first. Of a grid one model at most.
    """
    reference = results.study.evaluation.reference

    def size(name: str) -> float:
        measured = results.metric(name, metric)
        return -1.0 if measured is None or not measured.value >= 0 else measured.value

    dropped: set[str] = set()
    for models in results.study.grids.values():
        names = [name_of(point) for point in models.points]
        dropped |= set(names) - {max(names, key=size), reference}
    names = sorted((n for n in results.models if n not in dropped and n != reference), key=size, reverse=True)
    chosen = names[: most - (reference is not None)]
    first = [results.models[reference]] if reference is not None else []
    return first + [m for name, m in results.models.items() if name in chosen]


def reference_label(results: StudyResults) -> str | None:
    """The title of the model to which ratios compare, where the study names one."""
    reference = results.study.evaluation.reference
    return None if reference is None else results.models[reference].label


def words_of_left_out(backgrounds: list[str], shown: list[str]) -> str:
    """A sentence that names the backgrounds without a panel; empty where all have one."""
    gone = [name for name in backgrounds if name not in shown]
    if not gone:
        return ""
    return f" Without a panel, as they are separated almost without error: {', '.join(gone)}."


def formula(discriminant: Discriminant, signal: str) -> str:
    """A discriminant in words: log(p_b / (0.2 p_c + 0.8 p_light))."""
    parts = [f"{f:.4g} p({name})" if f != 1 else f"p({name})" for name, f in discriminant.normalised().items()]
    below = " + ".join(parts)
    return f"log[p({signal}) / {below if len(parts) == 1 else f'({below})'}]"


def _discriminant_figures(task: Classification, results: StudyResults, name: str) -> list[ReportFigure]:
    discriminant, study = results.study.evaluation.discriminants[name], results.study.name
    signal, title = discriminant.signal or task.signal, discriminant.title or name
    models, alone = (best_models(results, f"auc.{task.signal}_vs_rest", most) for most in (COMPARED, ALONE))
    curves = {m.label: m.curves["tagging"]["discriminants"][name] for m in models}
    rocs = {label: curve["roc"] for label, curve in curves.items()}
    backgrounds = [c for c in task.classes if c != signal]
    shown = backgrounds_shown(backgrounds, rocs)
    compared = f"below, the ratio to {reference_label(results) or models[0].label}. " if len(models) > 1 else ""
    caption = (
        f"Rejection of each background against the efficiency for {signal}, by cuts on the discriminant {title} = "
        f"{formula(discriminant, signal)}. Bands: {_interval(results)}; {compared}Upright lines: the working points. "
        f"Curves end where fewer than five background samples pass.{_which(results, models)}"
        f"{words_of_left_out(backgrounds, shown)}"
    )
    points = results.study.evaluation.working_points
    draw = partial(plot_roc, signal, backgrounds, rocs, {}, points, reference_label(results))
    roc = draw_figure(draw, f"{study}-roc-{name}", caption, wide=True)
    few = {m.label: m.curves["tagging"]["discriminants"][name] for m in alone}
    outside = max(curve["score"]["outside"] for curve in few.values())
    caption = (
        f"The discriminant {title} = {formula(discriminant, signal)} in each class, mean over the seeds; errors are "
        "√Σw², w being the weight of an event's samples in a bin together. Dotted: the cuts that keep the given "
        f"fraction of {signal}. Up to {outside:.1%} of the samples lie outside.{_which(results, alone)}"
    )
    if roc is None:
        caption += f" No figure of rejections:{words_of_left_out(backgrounds, [])}"
    score = draw_figure(
        partial(plot_discriminants, title, task.classes, few), f"{study}-score-{name}", caption, wide=True
    )
    return [score] if roc is None else [roc, score]


def _profile_figures(task: Classification, results: StudyResults, name: str) -> list[ReportFigure]:
    study, settings = results.study, results.study.evaluation
    profile, models = settings.profiles[name], best_models(results, f"auc.{task.signal}_vs_rest", IN_PROFILES)
    curves = {m.label: m.curves["tagging"]["profiles"][name] for m in models}
    first = next(iter(curves.values()))
    signal, by = first["signal"], first["by"]
    others = [c for c in task.classes if c != signal]
    backgrounds = others[:BACKGROUNDS]
    only = f" Of {len(others)} backgrounds the first {BACKGROUNDS} are shown." if len(others) > BACKGROUNDS else ""
    quantity = profile.title + (f" [{first['unit']}]" if first["unit"] else "")
    score = f"the discriminant {settings.discriminants[by].title or by}" if by else f"the probability of {signal}"
    compared = f"small panels: the ratio to {reference_label(results) or models[0].label}. " if len(models) > 1 else ""
    figures = []
    for efficiency in settings.working_points:
        percent = f"{100 * efficiency:g}"
        caption = (
            f"Efficiency for {signal} and rejection of each background in bins of {profile.title}, by a cut on "
            f"{score} that keeps {percent} % of {signal}: above one cut for all samples, below a cut for each bin. "
            f"Errors: {_interval(results)}; {compared}Where no background passes a hollow triangle stands at the "
            f"lower limit of the rejection.{only}{_left_out(first)}{_which(results, models)}"
        )
        draw = partial(plot_profile, quantity, signal, backgrounds, percent, curves, reference_label(results))
        suffix = f"-{percent}" if len(settings.working_points) > 1 else ""
        figure = draw_figure(draw, f"{study.name}-profile-{name}{suffix}", caption, wide=True)
        figures += [figure] if figure is not None else []
    return figures


def _interval(results: StudyResults) -> str:
    return (
        f"binomial interval ({results.study.evaluation.confidence:.0%}) of the test samples, by event, and error of "
        "the mean over the seeds, in quadrature"
    )


def _which(results: StudyResults, models: list[ModelResults]) -> str:
    """Which models are shown, where not all are."""
    if len(models) == len(results.models):
        return ""
    return f" Of {len(results.models)} models the {len(models)} best are shown, of a grid one at most."


def _left_out(curve: dict) -> str:
    n = curve["left_out"]
    return f" {n:,} samples lie in no bin." if n else ""
