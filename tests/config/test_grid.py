"""A grid is its models: expanded before validation, and mistakes are told where they stand in the file."""

import json

import pytest
import yaml

from bevatron.config.loading.identity import run_digest
from bevatron.config.loading.load import load_study
from bevatron.errors import ConfigurationError

STUDY = """
name: small
title: Small
summary: A grid of two by three.
simulation: {source: {kind: function}}
dataset: {recipe: {kind: function, noise: {y: 5.0, y_loud: 20.0, y_quiet: 1.0}}}
task: {kind: regression, target: y, truth: x_squared, x: x}
models:
  alone: {title: alone, inputs: [x], architecture: {kind: mlp, widths: [5]}}
grids:
  table:
    title: "{net} from {noise}"
    axes:
      net:
        narrow: {architecture: {kind: mlp, widths: [5]}}
        deep: {title: two layers, architecture: {kind: mlp, widths: [5, 5]}, training: {epochs: 7}}
      noise:
        quiet: {target: y_quiet, title: little noise}
        middle: {}
        loud: {target: y_loud}
    model: {inputs: [x], normalise: none, training: {epochs: 5, batch_size: 10}}
    published:
      rmse: {deep: {quiet: 1.0, loud: 20.5}}
claims:
  - id: deeper
    statement: Deeper is better.
    source: nobody
    test: {kind: greater, first: {model: narrow_loud, metric: rmse}, others: [{model: deep_loud, metric: rmse}]}
"""


@pytest.fixture
def study(tmp_path):
    """Loads the study at a scale after a change to its tree."""

    def load(change=lambda tree: None, scale="demo"):
        tree = yaml.safe_load(STUDY)
        change(tree)
        (tmp_path / "small.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
        return load_study("small", scale, tmp_path)

    return load


def lines(load, change):
    with pytest.raises(ConfigurationError) as error:
        load(change)
    return [line.partition("small.yaml: ")[2] for line in error.value.lines]


def test_every_combination_is_a_model(study):
    models = study().models
    names = [f"{net}_{noise}" for net in ("narrow", "deep") for noise in ("quiet", "middle", "loud")]
    assert list(models) == ["alone", *names]
    assert models["deep_quiet"].title == "two layers from little noise"
    assert models["narrow_middle"].title == "narrow from middle"
    assert [models[name].training.epochs for name in names] == [5, 5, 5, 7, 7, 7]
    assert {models[name].training.batch_size for name in names} == {10}
    assert [models[name].target for name in names] == ["y_quiet", None, "y_loud"] * 2
    assert [models[name].published for name in names] == [{}, {}, {}, {"rmse": 1.0}, {}, {"rmse": 20.5}]


def test_a_model_of_a_grid_is_the_same_run_as_one_written_out(study):
    by_grid = study()
    written = json.loads(by_grid.models["deep_loud"].model_dump_json())

    def write_out(tree):
        del tree["grids"], tree["claims"]
        tree["models"]["deep_loud"] = written

    other = study(write_out)
    digests = [run_digest(s, s.models["deep_loud"], "0" * 64, 1, "in memory") for s in (by_grid, other)]
    assert digests[0] == digests[1]


def test_scales_reach_into_the_grid_and_into_single_models(study):
    def overlay(tree):
        grid = {"model": {"training": {"epochs": 2}}, "axes": {"noise": {"loud": {"normalise": "standard"}}}}
        single = {"deep_quiet": {"training": {"learning_rate": 0.5}}}
        tree["scales"] = {"paper": {"grids": {"table": grid}, "models": single}}

    demo, paper = study(overlay), study(overlay, "paper")
    assert demo.models == study().models
    assert [m.training.epochs for m in paper.models.values()][1:] == [2, 2, 2, 7, 7, 7]
    assert paper.models["deep_loud"].normalise == "standard"
    assert paper.models["deep_quiet"].training.learning_rate == 0.5
    assert paper.models["deep_quiet"].training.batch_size == 10
    assert list(paper.models) == list(demo.models)


def put(place, value):
    def change(tree):
        *steps, leaf = place.split(".")
        for step in steps:
            tree = tree.setdefault(step, {})
        tree[leaf] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("grids.table.model.training.epoch", 3), "grids.table.model.training.epoch: unknown key"),
        (put("grids.table.axes.net.deep.training.epochs", 0), "grids.table.axes.net.deep.training.epochs: must be"),
        (put("grids.table.axes.net.deep.architecture", {"kind": "mlp"}),
         "grids.table.axes.net.deep.architecture.widths: this key is missing"),
        (put("grids.table.axes.net.deep", {}), "grids.table.axes.net.deep.architecture: this key is missing"),
        (put("grids.table.model", {"normalise": "none"}), "grids.table.model.inputs: this key is missing"),
        (put("grids.table.title", "{net:d}"), "grids.table: title: an axis in braces stands alone, as '{net}'"),
        (put("grids.table.title", "{net:>999999999}"), "grids.table: title: an axis in braces stands alone"),
        (put("grids.table.title", "{net!z}"), "grids.table: title: an axis in braces stands alone"),
        (put("grids.table.title", "{nets}"), "grids.table: title: unknown axis 'nets' in braces (did you mean 'net'?)"),
        (put("grids.table.axis", {}), "grids.table.axis: unknown key (did you mean 'axes'?)"),
        (put("grids.table.published.rmse.deep.silent", 1.0), "grids.table: published.rmse.deep: unknown noise"),
        (put("grids.table.axes.net", {}), "grids.table: axes.net: an axis needs a value"),
        (put("models.deep_loud", {"title": "t", "inputs": ["x"], "architecture": {"kind": "mlp", "widths": [1]}}),
         "grids.table: its model 'deep_loud' stands in models too"),
        (put("scales.demo.models.deep_loud.training.epoch", 3), "models.deep_loud.training.epoch: unknown key"),
        (put("scales.demo.models.deep_lowd.training.epochs", 3), "models.deep_lowd"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_and_at_its_place(study, change, told):
    found = lines(study, change)
    assert all(line.startswith(told) for line in found), found
    assert len(found) == (3 if told == "models.deep_lowd" else 1), found


def test_two_grids_may_not_make_one_model(study):
    def twice(tree):
        tree["grids"]["again"] = tree["grids"]["table"]

    found = lines(study, twice)
    assert len(found) == 6
    assert found[0].startswith("grids.again: its model 'narrow_quiet' stands in grids.table too")


def test_a_study_without_any_model_is_told(study):
    def empty(tree):
        del tree["models"], tree["grids"]

    assert lines(study, empty) == ["(top level): models: a study needs one at least, here or in grids"]


@pytest.mark.parametrize(
    ("training", "told"),
    [
        (
            {"class_ratio": {"light": 100}},
            "class_ratio: unknown class 'light'; allowed: none, as the task has no classes",
        ),
        ({"sample_order": "sorted"}, "sample_order: 'sorted' needs a task with classes"),
        ({"balance": "weights"}, "balance: 'weights' needs a task with classes"),
    ],
)
def test_lessons_about_classes_need_classes(study, training, told):
    (line,) = lines(study, put("models.alone.training", training))
    assert line == f"(top level): models.alone.training.{told}"
