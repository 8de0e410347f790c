"""Figures of discriminants, and of efficiency and rejection in bins of a variable."""

from functools import partial

from bevatron.config.sections.grid import name_of
from bevatron.config.sections.performance import Discriminant
from bevatron.config.sections.task import Classification
from bevatron.report.plots.roc import backgrounds_shown, plot_roc
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.plots.tagging import plot_discriminants, plot_profile
from bevatron.report.results.study_results import ModelResults, StudyResults

COMPARED = 6  # models of a figure that compares their discriminants
IN_PROFILES = 4  # and of one with points in bins
BACKGROUNDS = 3  # of a profile, the first ones
PANELS = 3  # models whose discriminant is shown by class


def draw_tagging_figures(task: Classification, results: StudyResults) -> list[ReportFigure]:
    """Rejections by each discriminant, its distributions, and efficiency and rejection in bins of each variable."""
    measured = [m for m in best_models(results, f"auc.{task.signal}_vs_rest", COMPARED) if "tagging" in m.curves]
    if not measured:
        return []
    figures: list[ReportFigure | None] = []
    for name, discriminant in results.study.evaluation.discriminants.items():
        figures += _discriminant_figures(task, results, name, discriminant, measured)
    figures += _profile_figures(task, results, measured[:IN_PROFILES] if len(measured) > IN_PROFILES else measured)
    return [figure for figure in figures if figure is not None]


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


def _discriminant_figures(
    task: Classification,
    results: StudyResults,
    name: str,
    discriminant: Discriminant,
    models: list[ModelResults],
) -> list[ReportFigure | None]:
    signal, study = discriminant.signal or task.signal, results.study.name
    title = discriminant.title or name
    curves = {m.label: m.curves["tagging"]["discriminants"][name] for m in models}
    rocs = {label: curve["roc"] for label, curve in curves.items()}
    backgrounds = [c for c in task.classes if c != signal]
    shown = backgrounds_shown(backgrounds, rocs)
    caption = (
        f"Rejection of each background against the efficiency for {signal}, by cuts on the discriminant {title} = "
        f"{formula(discriminant, signal)}. Bands: {_interval(results)}; below, the ratio to "
        f"{reference_label(results) or models[0].label}. Upright lines: the working points. Curves end where fewer "
        f"than five background samples pass.{_which(results, models)}{words_of_left_out(backgrounds, shown)}"
    )
    points = results.study.evaluation.working_points
    draw = partial(plot_roc, signal, backgrounds, rocs, {}, points, reference_label(results))
    roc = draw_figure(draw, f"{study}-roc-{name}", caption, wide=True)
    caption = (
        f"The discriminant {title} = {formula(discriminant, signal)} in each class, mean over the seeds; errors are "
        "√N, of samples with weights √Σw². Dotted: the cuts that keep the given fraction of "
        f"{signal}. Up to {_percent(curves)} of the samples lie outside."
    )
    few = dict(list(curves.items())[:PANELS])
    return [
        roc,
        draw_figure(partial(plot_discriminants, title, task.classes, few), f"{study}-score-{name}", caption, wide=True),
    ]


def _profile_figures(
    task: Classification, results: StudyResults, models: list[ModelResults]
) -> list[ReportFigure | None]:
    study, settings = results.study, results.study.evaluation
    figures: list[ReportFigure | None] = []
    for name, profile in settings.profiles.items():
        curves = {m.label: m.curves["tagging"]["profiles"][name] for m in models}
        first = next(iter(curves.values()))
        signal, by = first["signal"], first["by"]
        backgrounds = [c for c in task.classes if c != signal][:BACKGROUNDS]
        quantity = profile.title + (f" [{first['unit']}]" if first["unit"] else "")
        score = f"the discriminant {settings.discriminants[by].title or by}" if by else f"the probability of {signal}"
        for efficiency in settings.working_points:
            percent = f"{100 * efficiency:g}"
            caption = (
                f"Efficiency for {signal} and rejection of each background in bins of {profile.title}, by a cut on "
                f"{score} that keeps {percent} % of {signal}: above one cut for all samples, below a cut for each bin. "
                f"Errors: {_interval(results)}; small panels: the ratio to "
                f"{reference_label(results) or models[0].label}. Where no background passes a hollow triangle "
                f"stands at the lower limit of the rejection.{_left_out(first)}{_which(results, models)}"
            )
            draw = partial(plot_profile, quantity, signal, backgrounds, percent, curves, reference_label(results))
            suffix = f"-{percent}" if len(settings.working_points) > 1 else ""
            figures.append(draw_figure(draw, f"{study.name}-profile-{name}{suffix}", caption, wide=True))
    return figures


def _interval(results: StudyResults) -> str:
    return (
        f"binomial interval ({results.study.evaluation.confidence:.0%}) of the test samples and error of the mean over "
        "the seeds, in quadrature"
    )


def _which(results: StudyResults, models: list[ModelResults]) -> str:
    """Which models are shown, where not all are."""
    if len(models) == len(results.models):
        return ""
    return f" Of {len(results.models)} models the {len(models)} best are shown, of a grid one at most."


def _percent(curves: dict[str, dict]) -> str:
    return f"{max(curve['score']['outside'] for curve in curves.values()):.1%}"


def _left_out(curve: dict) -> str:
    n = curve["left_out"]
    return f" {n:,} samples lie in no bin." if n else ""
