"""Figures of a study's grids: metrics against a number of their models."""

from functools import partial

import numpy as np

from bevatron.config.sections.grid import Grid, GridFigure, Point, name_of
from bevatron.report.plots.grid_figure import CurveLine, plot_against_number
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults
from bevatron.report.tables.metric_titles import title_of


def draw_grid_figures(results: StudyResults) -> list[ReportFigure]:
    """The figure of each grid that asks for one: all its metrics in one panel if its models differ along one axis,
    else a panel for each metric and a line for each combination of the other axes' values. Metrics that no model
    has are named in the caption.
    """
    return [
        _draw(results, name, grid, grid.figure) for name, grid in results.study.grids.items() if grid.figure is not None
    ]


def _draw(results: StudyResults, name: str, grid: Grid, asked: GridFigure) -> ReportFigure:
    lines = grid.lines()
    metrics = {title_of(metric): metric for metric in asked.metrics}
    x_title = asked.x_title or asked.x
    if len(lines) == 1:
        (points,) = lines.values()
        panels = {"": {title: _line(results, asked, points, metric) for title, metric in metrics.items()}}
        y_title = next(iter(metrics)) if len(metrics) == 1 else "metric"
    else:
        panels = {
            title: {label: _line(results, asked, points, metric) for label, points in lines.items()}
            for title, metric in metrics.items()
        }
        y_title = ""
    models = list(map(name_of, grid.points))
    unmeasured = [metric for metric in asked.metrics if not any(results.metric(model, metric) for model in models)]
    caption = f"{grid.caption} Mean over the seeds; errors hold the test split's size and the seeds' spread.".strip()
    if unmeasured:
        caption += f" Measured of no model: {', '.join(unmeasured)}."
    draw = partial(plot_against_number, panels, x_title, asked.x_log, y_title)
    return draw_figure(draw, f"{results.study.name}-grid-{name}", caption, wide=True)


def _line(results: StudyResults, asked: GridFigure, points: list[Point], metric: str) -> CurveLine:
    """The points of the models that have the metric, in rising order of their number."""
    measured = []
    for point in points:
        model = name_of(point)
        number = results.metric(model, metric)
        if number is not None and np.isfinite(number.value):
            measured.append((asked.x_of(results.study.models[model]), number.value, number.error))
    x, value, error = np.array(sorted(measured), float).reshape(-1, 3).T
    return CurveLine(x, value, np.nan_to_num(error))
