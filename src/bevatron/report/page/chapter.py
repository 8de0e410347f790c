"""One study's chapter of the page: its tables, figures and facts, in the order they are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel

from bevatron.compute.numerics.reproducibility import describe_environment, doubts
from bevatron.config.sections.study import Study
from bevatron.report.page.guarded import TableT, figures_or_failure, tables_or_failure
from bevatron.report.page.section import SECTIONS, ReportSection
from bevatron.report.plots.comparison import caption_of, plot_comparisons
from bevatron.report.plots.detector_effects import plot_detector_effects
from bevatron.report.plots.learning_curve import plot_learning_curves
from bevatron.report.plots.observables import plot_observables
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import ModelResults, SearchResults, StudyResults
from bevatron.report.sections.auxiliary import draw_auxiliary_figures, draw_auxiliary_learning
from bevatron.report.sections.grid_figures import draw_grid_figures
from bevatron.report.sections.variations import draw_variation_figures
from bevatron.report.tables import study_tables as tables
from bevatron.report.tables.auxiliary_table import auxiliary_tables
from bevatron.report.tables.grid_tables import grid_tables
from bevatron.report.tables.numbers import count, exact
from bevatron.report.tables.table import Table
from bevatron.report.tables.variation_tables import shifts_table, variations_table

FOLDED_ABOVE = 12  # models whose learning curves are folded away


@dataclass(frozen=True)
class SearchPart:
    """One model's search: its title, the values found, how the trials ended, and its plot."""

    title: str
    best: list[tuple[str, str]]
    trials: int
    plot: ReportFigure | None


@dataclass(frozen=True)
class Chapter:
    """Everything the template shows of one study."""

    study: Study
    facts: list[tuple[str, str]]
    source: list[tuple[str, str, str]]
    samples: Table
    weights: Table | None
    features: Table
    data: list[ReportFigure]
    observables: Table | None
    models: Table
    searches: list[SearchPart]
    trials: Table | None
    learning: list[ReportFigure]
    grids: list[Table]
    comparison: Table
    auxiliary: list[Table]
    shifts: Table | None
    variation_figures: list[ReportFigure]
    variations: Table | None
    published: Table | None
    results: list[ReportFigure]
    metrics: Table
    timings: Table
    sizes: Table
    runs: Table
    digests: list[tuple[str, str]]
    versions: list[tuple[str, str]]
    trained: list[tuple[str, str]]

    @property
    def figures(self) -> list[ReportFigure]:
        """All figures, in the order they are shown."""
        searches = [s.plot for s in self.searches if s.plot]
        return [*self.data, *searches, *self.learning, *self.results, *self.variation_figures]

    @property
    def failures(self) -> list[tuple[str, str]]:
        """Figures and tables that could not be made, by name, and why."""
        failed = [(figure.name, figure.failure) for figure in self.figures if figure.failure]
        return failed + [(table.name, table.failure) for table in self.tables if table.failure]

    @property
    def tables(self) -> list[Table]:
        """All tables, in the order they are shown."""
        tables = [self.samples, self.weights, self.features, self.observables, self.models, self.trials]
        tables += [*self.grids, self.comparison, *self.auxiliary]
        tables += [self.published, self.metrics, self.shifts, self.variations, self.timings, self.sizes, self.runs]
        return [table for table in tables if table is not None]


def draw_chapter(results: StudyResults) -> Chapter:
    """The chapter of one study; to be called within `page_style`.

    A figure or a table that cannot be made costs nothing but itself, and the chapter says so.
    """
    study, manifest = results.study, results.manifest
    task = study.task
    part: ReportSection[Any] = SECTIONS[task.kind]()

    def table(name: str, build: Callable[[StudyResults], TableT]) -> TableT | Table:
        (built,) = tables_or_failure(study.name, name, lambda: [build(results)])
        return built

    def figures(name: str, build: Callable[[], list[ReportFigure]]) -> list[ReportFigure]:
        return figures_or_failure(study.name, name, build)

    return Chapter(
        study=study,
        facts=_facts(results),
        source=_source(results),
        samples=table("samples", tables.samples_table),
        weights=table("weights", tables.weights_table) if manifest.weighted else None,
        features=table("features", tables.features_table),
        data=[
            *figures("source", lambda: _comparison_figures(results)),
            *figures("detector", lambda: _detector_figures(results)),
            *figures("data", lambda: part.data(task, results)),
            *figures("observables", lambda: _observable_figures(results)),
        ],
        observables=table("observables", tables.observables_table),
        models=table("models", tables.models_table),
        searches=[_search_part(results, m, m.search) for m in results.models.values() if m.search],
        trials=table("search", tables.search_table),
        learning=[
            _learning_figure(results, part.loss(task)),
            *figures("auxiliary-learning", lambda: draw_auxiliary_learning(results)),
        ],
        grids=tables_or_failure(study.name, "grids", lambda: grid_tables(results, part.columns(task, results)[0])),
        comparison=table("comparison", lambda r: tables.comparison_table(r, part.columns(task, r))),
        auxiliary=tables_or_failure(study.name, "auxiliary", lambda: auxiliary_tables(results)),
        shifts=table("shifts", lambda r: shifts_table(r, part.columns(task, r))) if study.variations else None,
        variation_figures=figures("variations", lambda: draw_variation_figures(results, part.columns(task, results))),
        variations=table("variations", variations_table) if study.variations else None,
        published=table("published", tables.published_table),
        results=[
            *figures("grids", lambda: draw_grid_figures(results)),
            *figures("results", lambda: part.figures(task, results)),
            *figures("auxiliary", lambda: draw_auxiliary_figures(results)),
        ],
        metrics=table("metrics", tables.metrics_table),
        timings=table("timings", tables.timings_table),
        sizes=table("sizes", tables.sizes_table),
        runs=table("runs", tables.runs_table),
        digests=[
            ("raw shards", manifest.raw_digest),
            ("dataset", manifest.dataset_digest),
            ("manifest", manifest.sha256),
        ],
        versions=sorted(manifest.versions.items()),
        trained=_training_environments(results),
    )


def _facts(results: StudyResults) -> list[tuple[str, str]]:
    study, manifest = results.study, results.manifest
    total = sum(manifest.n_samples(split) for split in manifest.splits)
    trials = sum(len(m.search.trials) for m in results.models.values() if m.search)
    facts = [
        ("samples", count(total)),
        ("models", count(len(study.models))),
        ("seeds of each", count(study.n_seeds)),
        ("trainings", count(sum(len(m.runs) for m in results.models.values()))),
    ]
    if results.of_folds:
        facts.insert(3, ("folds", count(len(results.of_folds))))
    return facts + ([("search trials", count(trials))] if trials else [])


def _training_environments(results: StudyResults) -> list[tuple[str, str]]:
    """Where models were trained, with the titles of those trained there; and of which seeds that is not all."""
    titles_by_environment: dict[str, dict[str, None]] = {}
    for m in results.models.values():
        for run in m.runs:
            for environment in run.environments:
                described = describe_environment(environment.model_dump())
                titles_by_environment.setdefault(described, {})[m.title] = None
    doubtful = [(m.title, doubts([run.model_dump() for run in m.runs])) for m in results.models.values()]
    trained = [(", ".join(titles), environment) for environment, titles in titles_by_environment.items()]
    return trained + [d for d in doubtful if d[1]]


def _source(results: StudyResults) -> list[tuple[str, str, str]]:
    """The settings of the simulation and of the recipe, with what each means (units stand there)."""
    simulation, dataset = results.study.simulation, results.study.dataset
    left_out = results.manifest.approximations
    return [
        ("source", simulation.source.kind, ""),
        *_settings(simulation.source),
        ("shards", f"{results.manifest.n_raw_shards:,}", "number of raw files"),
        ("seed", str(simulation.seed), "of all random numbers of the simulation"),
        ("recipe", dataset.recipe.kind, ""),
        *_settings(dataset.recipe),
        *((f"balance.{name}", text, of) for name, text, of in (_settings(dataset.balance) if dataset.balance else [])),
        *([("approximations", "", left_out)] if left_out else []),
    ]


def _settings(section: BaseModel) -> list[tuple[str, str, str]]:
    """One row for each option: its name, its value, its description."""
    rows = []
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if key == "kind":
            continue
        if isinstance(value, BaseModel):
            rows += [(f"{key}.{name}", text, meaning) for name, text, meaning in _settings(value)]
        elif isinstance(value, dict) and value:
            rows += [row for name, v in value.items() for row in _entry(f"{key}.{name}", v, field.description or "")]
        else:
            rows.append((key, _value_text(value), field.description or ""))
    return rows


def _entry(key: str, value: Any, meaning: str) -> list[tuple[str, str, str]]:
    """The rows of a mapping's entry; of a section those that were set, for the file says no more of it either."""
    if not isinstance(value, BaseModel):
        return [(key, _value_text(value), meaning)]
    fields = type(value).model_fields
    return [
        row
        for name in fields
        if name in value.model_fields_set
        for row in _mapping(f"{key}.{name}", getattr(value, name), fields[name].description or "")
    ]


def _mapping(key: str, value: Any, meaning: str) -> list[tuple[str, str, str]]:
    """One row; of a mapping, one in which each name stands with its value, unless they are the same."""
    if isinstance(value, dict) and value:
        named = (f"{name}: {v}" if str(name) != str(v) else str(name) for name, v in value.items())
        return [(key, "; ".join(named), meaning)]
    return [(key, _value_text(value), meaning)]


def _value_text(value: Any) -> str:
    return ", ".join(str(v) for v in value) if isinstance(value, list) and value else _scalar_text(value)


def _scalar_text(value: Any) -> str:
    """A setting's value as a person says it."""
    if value is None or value in ([], {}, ""):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return exact(value) if isinstance(value, int | float) else str(value)


def _comparison_figures(results: StudyResults) -> list[ReportFigure]:
    entries = results.comparisons
    if not entries:
        return []
    return [
        draw_figure(partial(plot_comparisons, entries), f"{results.study.name}-source", caption_of(entries), wide=True)
    ]


def _detector_figures(results: StudyResults) -> list[ReportFigure]:
    effects = results.effects
    if effects is None:
        return []
    name = f"{results.study.name}-detector"
    return [draw_figure(partial(plot_detector_effects, effects), name, effects["caption"], wide=True)]


def _observable_figures(results: StudyResults) -> list[ReportFigure]:
    records = [results.data.observables[name] for name in results.study.evaluation.observables]
    if not records:
        return []
    # Labels do not divide the samples: their observables are of all samples, as without classes.
    classes = [""] if results.study.task.kind == "multi_label" else list(results.manifest.classes) or [""]
    counted = any(record.errors is not None for record in records)
    errors = "√Σw², w being the weight of an event's samples in a bin together" if counted else "√N"
    caption = (
        f"Observables of {tables.splits_of_observables(results)}. Each class is normalised to unit area; errors are "
        f"{errors}. The legend tells what fraction of a class lies outside of the figure, or lacks the element."
    )
    return [
        draw_figure(
            partial(plot_observables, records, classes), f"{results.study.name}-observables", caption, wide=True
        )
    ]


def _learning_figure(results: StudyResults, loss: str) -> ReportFigure:
    models = {m.label: m.histories for m in results.models.values()}
    caption = "Loss of the training (dashed) and of the validation split (full) of every seed."
    if results.of_folds:
        caption = "Loss of the training (dashed) and of the validation split (full) of every seed of every fold."
    draw, name = partial(plot_learning_curves, loss, models), f"{results.study.name}-learning"
    return draw_figure(draw, name, caption, wide=True, folded=len(models) > FOLDED_ABOVE)


def _search_part(results: StudyResults, m: ModelResults, search: SearchResults) -> SearchPart:
    values = search.best["values"].items()
    best = [(key, f"{value:.4g}" if isinstance(value, float) else str(value)) for key, value in values]
    caption = f"Search for {m.title}: validation loss of {len(search.trials)} trials."
    if results.of_folds:
        caption += " They learned from what the networks of fold 0 learn from; all folds take the best one's values."
    plot = None
    if search.plot is not None:
        plot = ReportFigure(f"{results.study.name}-{m.name}-search", caption, search.plot, "png", wide=True)
    return SearchPart(m.title, best, len(search.trials), plot)
