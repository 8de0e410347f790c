"""A grid's figure: each point is its model's number and metric, lines join one axis, wrong keys are refused by name."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.config.sections.grid import Grid
from bevatron.report.plots.style import page_style
from bevatron.report.results.measured import Measured
from bevatron.report.sections.grid_figures import draw_grid_figures

SAMPLES = {"few": 100, "many": 1000, "most": 10000}
NETS = {"mlp": {}, "lstm": {"title": "LSTM"}}
FIGURE = {"x": "training.samples", "x_title": "samples", "x_log": True, "axis": "size", "metrics": ["auc", "accuracy"]}


def make_results(axes, figure, value_of):
    grid = Grid.model_validate({"title": "{size}", "axes": axes, "figure": figure})
    models = {}
    for point in grid.points:
        size = next(value for value in point if value in SAMPLES)
        models["_".join(point)] = SimpleNamespace(training=SimpleNamespace(samples=SAMPLES[size], epochs="many"))

    def metric(model, name):
        value = value_of(model, name)
        if value is None:
            return None
        return Measured(model, value, 0.01, value, value, np.full(3, value), np.full(20, value), model)

    return SimpleNamespace(study=SimpleNamespace(name="jets", grids={"curve": grid}, models=models), metric=metric)


def numbers_drawn(results):
    with page_style():
        (figure,) = draw_grid_figures(results)
    assert not figure.failure
    return figure, figure.csv.decode()


def test_one_axis_is_one_panel_with_a_line_for_each_metric():
    results = make_results({"size": {name: {} for name in SAMPLES}}, FIGURE, lambda m, n: 0.5 + 0.1 * len(m))
    figure, text = numbers_drawn(results)
    assert figure.name == "jets-grid-curve"
    for samples, name in ((100.0, "few"), (1000.0, "many"), (10000.0, "most")):
        assert any(f"{samples:g}" in line and f"{0.5 + 0.1 * len(name):.6g}" in line for line in text.splitlines()), (
            text
        )
    assert "AUC" in text or "auc" in text


def test_a_second_axis_makes_lines_and_metrics_make_panels():
    axes = {"net": NETS, "size": {name: {} for name in SAMPLES}}
    seen = []

    def value_of(model, metric):
        seen.append((model, metric))
        return None if model == "lstm_most" else 0.7

    grid = make_results(axes, FIGURE, value_of).study.grids["curve"]
    assert {label: [p[1] for p in points] for label, points in grid.lines().items()} == {
        "mlp": ["few", "many", "most"],
        "LSTM": ["few", "many", "most"],
    }
    _, text = numbers_drawn(make_results(axes, FIGURE, value_of))
    assert min(text.count("LSTM"), text.count("mlp")) >= 2
    assert {metric for _, metric in seen} == {"auc", "accuracy"}


def test_metrics_that_no_model_has_are_named():
    axes = {"size": {name: {} for name in SAMPLES}}
    with page_style():
        (figure,) = draw_grid_figures(make_results(axes, FIGURE, lambda m, n: None))
        assert "no model has any of the metrics" in figure.failure
        (figure,) = draw_grid_figures(make_results(axes, FIGURE, lambda m, n: 0.5 if n == "auc" else None))
    assert figure.caption.endswith("Measured of no model: accuracy.")


def test_no_number_is_no_point():
    results = make_results(
        {"size": {name: {} for name in SAMPLES}}, FIGURE, lambda m, n: float("nan") if m == "few" else 0.6
    )
    _, text = numbers_drawn(results)
    assert "nan" not in text


def test_an_unknown_axis_is_named():
    with pytest.raises(ValidationError, match=r"unknown axis 'sizes'.*size"):
        Grid.model_validate({"title": "{size}", "axes": {"size": {"a": {}}}, "figure": {**FIGURE, "axis": "sizes"}})


@pytest.mark.parametrize("key", ["training.epochs", "training.sampels", "training", ""])
def test_a_key_that_is_no_number_is_named(key):
    grid = Grid.model_validate({"title": "{size}", "axes": {"size": {"few": {}}}, "figure": {**FIGURE, "x": key}})
    model = SimpleNamespace(training=SimpleNamespace(samples=1, epochs="many"))
    with pytest.raises(ValueError, match="is no number of the model"):
        grid.figure.x_of(model)


def test_a_logarithm_needs_numbers_above_zero():
    grid = Grid.model_validate({"title": "{size}", "axes": {"size": {"few": {}}}, "figure": FIGURE})
    with pytest.raises(ValueError, match="above 0"):
        grid.figure.x_of(SimpleNamespace(training=SimpleNamespace(samples=0)))
