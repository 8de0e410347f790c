"""A grid of two axes is one table: our number, its error and the published one in the cell of their model."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest

from bevatron.config.sections.grid import Grid
from bevatron.report.results.measured import Measured
from bevatron.report.tables.grid_tables import grid_tables

TREE = {
    "title": "{net} from {inputs}",
    "caption": "Everything.",
    "axes": {
        "net": {"mlp": {}, "lstm": {"title": "LSTM"}},
        "inputs": {"tracks": {}, "all": {"title": "all inputs"}},
    },
    "published": {"auc": {"lstm": {"tracks": 0.917, "all": 0.939}}},
}
OURS = {"mlp_tracks": 0.90, "mlp_all": 0.92, "lstm_tracks": 0.91, "lstm_all": 0.93}


def results(tree):
    def metric(model, name):
        if name not in ("auc", "accuracy"):
            return None
        value = OURS[model]
        return Measured(model, value, 0.001, value, value, np.full(3, value), np.full(20, value), model)

    study = SimpleNamespace(name="jets", grids={"table": Grid.model_validate(tree)})
    return SimpleNamespace(study=study, metric=metric)


def test_rows_columns_and_published_numbers():
    (table,) = grid_tables(results(TREE), "accuracy")
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert table.name == "jets_table"
    assert list(rows[0]) == ["inputs", "mlp", "mlp error", "LSTM", "LSTM error", "LSTM, published"]
    assert [row["inputs"] for row in rows] == ["tracks", "all inputs"]
    assert [float(row["mlp"]) for row in rows] == [0.90, 0.92]
    assert [float(row["LSTM, published"]) for row in rows] == [0.917, 0.939]
    assert table.texts[1][2] == "0.9300 ± 0.0010"


def test_every_number_comes_from_its_own_model():
    (table,) = grid_tables(results(TREE), "accuracy")
    for number in table.numbers():
        if number.origin.stage == "evaluate" and "error" not in number.column:
            assert float(number.text) == OURS[number.origin.model]
            assert number.origin.metric == "auc"
    published = [n for n in table.numbers() if n.origin.stage == "study"]
    assert [(n.row, n.column) for n in published] == [(1, "LSTM, published"), (2, "LSTM, published")]


def test_without_published_numbers_the_headline_is_shown():
    tree = {**TREE, "published": {}}
    (table,) = grid_tables(results(tree), "accuracy")
    assert table.head == ("inputs", "mlp", "LSTM")
    assert table.origins[0].metric == "accuracy"


def test_several_published_metrics_are_the_rows_of_one_table():
    tree = {**TREE, "published": {**TREE["published"], "accuracy": {"mlp": {"all": 0.5}, "lstm": {"all": 0.6}}}}
    (table,) = grid_tables(results(tree), "auc")
    rows = {row["metric"]: row for row in csv.DictReader(io.StringIO(table.to_csv()))}
    assert list(rows) == ["auc", "accuracy"]
    assert float(rows["accuracy"]["LSTM from all inputs, published"]) == 0.6
    assert rows["auc"]["mlp from all inputs, published"] == ""
    assert "mlp from tracks, published" not in table.head
    for number in table.numbers():
        if number.origin.stage == "evaluate" and "error" not in number.column:
            assert float(number.text) == OURS[number.origin.model]


@pytest.mark.parametrize("axes", [["net"], ["net", "inputs", "more"]])
def test_other_numbers_of_axes_make_no_table(axes):
    tree = {"title": "t", "axes": {axis: {"mlp": {}} for axis in axes}}
    assert grid_tables(results(tree), "auc") == []


def test_images_of_a_grid_are_few():
    """A ROC figure for each column and for every eight other models; of single models the best of the grid alone."""
    from bevatron.report.sections.classification import _group_models, _models_shown_alone

    names = [*OURS, *(f"other_{k}" for k in range(10))]
    grid = Grid.model_validate(TREE)
    areas = {name: SimpleNamespace(value=OURS.get(name, 0.5)) for name in names}
    found = SimpleNamespace(
        study=SimpleNamespace(grids={"table": grid}),
        models={name: SimpleNamespace(name=name) for name in names},
        metric=lambda model, metric: areas[model],
    )
    groups = {suffix: [m.name for m in models] for suffix, models in _group_models(found).items()}
    assert groups == {
        "-table-mlp": ["mlp_tracks", "mlp_all"],
        "-table-lstm": ["lstm_tracks", "lstm_all"],
        "-1": [f"other_{k}" for k in range(8)],
        "-2": ["other_8", "other_9"],
    }
    assert [m.name for m in _models_shown_alone(found, "beauty")] == ["lstm_all", *(f"other_{k}" for k in range(10))]
