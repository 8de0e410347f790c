"""A study's grids of two axes as tables: rows and columns are the axes, published numbers stand beside ours."""

from collections.abc import Mapping
from typing import Any

from bevatron.config.grid import Grid, name_of
from bevatron.report.metric_titles import title_of
from bevatron.report.origin import Origin
from bevatron.report.results import StudyResults
from bevatron.report.table import Cell, Table


def grid_tables(results: StudyResults, headline: str) -> list[Table]:
    """One table for each grid of two axes and each metric that it has published numbers of; else of `headline`."""
    return [
        _table(results, name, grid, metric)
        for name, grid in results.study.grids.items()
        if len(grid.axes) == 2
        for metric in grid.published or [headline]
    ]


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
    suffix = "" if len(grid.published) < 2 else f"_{metric}"
    caption = f"{title_of(metric)}: mean over the seeds; the error holds the test split's size and the seeds' spread."
    return Table(
        f"{study}_{name}{suffix}",
        f"{grid.caption} {caption}".strip(),
        tuple(head),
        tuple(map(tuple, cells)),
        (Origin(study, "evaluate", metric=metric),) * len(rows),
        by_cell=by_cell,
    )
