"""A study's grids of two axes as tables: rows and columns are the axes, published numbers stand beside ours."""

from collections.abc import Mapping
from typing import Any

from bevatron.config.sections.grid import Grid, name_of
from bevatron.report.provenance.origin import Origin
from bevatron.report.results.study_results import StudyResults
from bevatron.report.tables.metric_titles import title_of
from bevatron.report.tables.table import Cell, Table


def grid_tables(results: StudyResults, headline: str) -> list[Table]:
    """One table for each grid of two axes: of `headline`, or of the metric it has published numbers of; where these
    are several, one table with a row for each.
    """
    return [
        _joint(results, name, grid)
        if len(grid.published) > 1
        else _table(results, name, grid, next(iter(grid.published), headline))
        for name, grid in results.study.grids.items()
        if len(grid.axes) == 2
    ]


def _joint(results: StudyResults, name: str, grid: Grid) -> Table:
    """A row for each published metric; a column for each model, and one for its published numbers."""
    study = results.study.name
    head: list[str] = ["metric"]
    cells: list[list[Cell]] = [[title_of(metric)] for metric in grid.published]
    by_cell: dict[tuple[int, int], Mapping[str, Any]] = {}
    for point in grid.points:
        title, published = grid.model_title(point), grid.published_at(point)
        for k, metric in enumerate(grid.published):
            by_cell[k, len(head)] = {"model": name_of(point)}
            by_cell[k, len(head) + 1] = {"stage": "study"}
            cells[k].append(results.metric(name_of(point), metric))
            if published:
                cells[k].append(published.get(metric))
        head += [title, f"{title}, published"] if published else [title]
    caption = "Mean over the seeds; the error holds the test split's size and the seeds' spread."
    origins = tuple(Origin(study, "evaluate", metric=metric) for metric in grid.published)
    return Table(
        f"{study}_{name}",
        f"{grid.caption} {caption}".strip(),
        tuple(head),
        tuple(map(tuple, cells)),
        origins,
        by_cell=by_cell,
    )


def _table(results: StudyResults, name: str, grid: Grid, metric: str) -> Table:
    study = results.study.name
    (across, columns), (down, rows) = grid.axes.items()
    head: list[str] = [down]
    cells: list[list[Cell]] = [[grid.value_title(down, row)] for row in rows]
    by_cell: dict[tuple[int, int], Mapping[str, Any]] = {}
    for column in columns:
        title = grid.value_title(across, column)
        published = [grid.published_at((column, row)).get(metric) for row in rows]
        for k, row in enumerate(rows):
            model = name_of((column, row))
            by_cell[k, len(head)] = {"model": model}
            by_cell[k, len(head) + 1] = {"stage": "study"}
            cells[k].append(results.metric(model, metric))
            if any(number is not None for number in published):
                cells[k].append(published[k])
        head += [title, f"{title}, published"] if len(cells[0]) > len(head) + 1 else [title]
    caption = f"{title_of(metric)}: mean over the seeds; the error holds the test split's size and the seeds' spread."
    return Table(
        f"{study}_{name}",
        f"{grid.caption} {caption}".strip(),
        tuple(head),
        tuple(map(tuple, cells)),
        (Origin(study, "evaluate", metric=metric),) * len(rows),
        by_cell=by_cell,
    )
