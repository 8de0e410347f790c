"""The report of a study with auxiliary tasks: figures, table and claims from what the stages published."""

import csv

import matplotlib.pyplot as plt
import numpy as np
import pytest
from auxiliary_results import make_evaluated

from bevatron.config.sections.study import Study
from bevatron.evaluate.observables import measure_observables
from bevatron.json_text import read_json
from bevatron.report.plots.auxiliary import plot_element_confusion, plot_vertex_efficiency
from bevatron.report.plots.style import page_style
from bevatron.report.stage import write_study_page
from bevatron.report.tables.metric_titles import title_of_auxiliary

CLAIM = {
    "id": "vertices",
    "statement": "Some vertices are found.",
    "source": "nobody",
    "test": {"kind": "above", "metric": {"model": "sets", "metric": "vertex.efficiency.light"}, "threshold": 0.99},
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The study, and the folder of its page."""
    folder = tmp_path_factory.mktemp("page")
    made = make_evaluated(folder, profiles={"pt": {"title": "Jet pT", "group": "jet", "feature": "pt", "n_bins": 3}})
    payload = made.study.model_dump(mode="json", exclude={"apply", "grids"})
    payload["models"] = {"sets": payload["models"]["sets"]}
    study = Study.model_validate({**payload, "claims": [CLAIM]})
    measure_observables(study, made.manifest, made.folder / "evaluation" / "data.json")
    write_study_page(study, "demo", folder, folder / "report")
    return made, folder / "report"


def rows_of(path):
    return list(csv.reader(path.read_text().splitlines()))


def test_each_task_has_its_figures(page):
    _, folder = page
    names = {path.stem for path in (folder / "plots").glob("*.svg")}
    assert {
        "auxiliary-auxiliary-origin-classes",
        "auxiliary-auxiliary-vertex-efficiency",
        "auxiliary-auxiliary-decay-response",
        "auxiliary-auxiliary-decay-residuals",
        "auxiliary-auxiliary-learning",
    } <= names
    assert read_json(folder / "claims.json")["failures"] == []


def test_the_tables_have_the_metrics_of_metrics_json(page):
    made, folder = page
    metrics = made.metrics()["metrics"]
    for metric in ("origin.accuracy", "vertex.efficiency", "vertex.pair_auc", "decay.mae"):
        task, _, title = title_of_auxiliary(metric).partition(": ")
        head, row = rows_of(folder / "tables" / f"auxiliary_auxiliary_{task}.csv")
        assert np.isclose(float(row[head.index(title)]), metrics[metric]["value"]), metric


def test_models_say_their_auxiliary_tasks(page):
    head, row = rows_of(page[1] / "tables" / "auxiliary_models.csv")
    tasks = row[head.index("auxiliary tasks (weight of the loss)")].split(", ")
    assert sorted(tasks) == ["decay (0.1)", "origin (0.5)", "vertex (1.5)"]


def test_claims_can_name_them(page):
    (claim,) = read_json(page[1] / "claims.json")["claims"]
    assert "vertex: efficiency of vertices, light" in str(claim)


def test_learning_curves_are_those_of_the_history(page):
    made, folder = page
    text = (folder / "plots" / "auxiliary-auxiliary-learning.csv").read_text()
    history = rows_of(made.folder / "models" / "sets" / "seed-0" / "history.csv")
    column = history[0].index("val_loss.vertex")
    drawn = {round(float(cell), 5) for row in csv.reader(text.splitlines()) for cell in row if _is_number(cell)}
    assert {round(float(row[column]), 5) for row in history[1:]} <= drawn


def _is_number(text):
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


@pytest.fixture
def styled():
    with page_style():
        yield
        plt.close("all")


@pytest.mark.usefixtures("styled")
def test_a_class_without_elements_has_an_empty_row():
    fraction = [[0.75, 0.25], [None, None]]
    curve = {"classes": ["a_b", "c"], "confusion": {"fraction": fraction, "low": fraction, "high": fraction,
             "samples": [8, 0]}}  # fmt: skip
    figure = plot_element_confusion({"one": curve, "two": curve})
    assert [text.get_text() for text in figure.axes[0].texts] == ["75.0 %", "± 0.0", "25.0 %", "± 0.0"]
    assert figure.axes[1].get_yticklabels()[0].get_text() == "a b\n(8)"


@pytest.mark.usefixtures("styled")
def test_efficiencies_that_do_not_exist_are_left_out():
    by_size = {"sizes": [2, 3], "value": [0.5, None], "low": [0.4, None], "high": [0.6, None], "vertices": [4, 0]}
    nothing = {"edges": [0, 1], "value": [None], "low": [None], "high": [None], "vertices": [0]}
    pt = {"edges": [10, 20, 200], "value": [0.2, 0.9], "low": [0.1, 0.8], "high": [0.3, 0.95], "vertices": [3, 3]}
    curve = {"by_size": by_size, "profiles": {"pt": pt, "eta": nothing}}
    figure = plot_vertex_efficiency({"one": curve, "other": curve}, {"pt": "pT [GeV]", "eta": "η"})
    assert [axes.get_xlabel() for axes in figure.axes if axes.axison] == ["elements of the true vertex", "pT [GeV]"]
    assert figure.axes[1].get_xscale() == "log"
    assert figure.axes[0].get_xticklabels()[-1].get_text() == "≥ 3"
