"""A figure or a table that cannot be made costs nothing but itself; damaged files are refused as ever."""

import json
import logging
import shutil

import pytest

from bevatron.errors import UserError
from bevatron.report.sections import classification
from bevatron.report.stage import write_study_page
from bevatron.report.tables import study_tables as tables
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json
from bevatron.store.records.claims import read_claims


@pytest.fixture(scope="module")
def whole(results, tmp_path_factory):
    """The page of the tagger, of which nothing is broken."""
    return _page(results, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def warnings_of(told):
    return lambda: [record.message for record in told if record.levelno >= logging.WARNING]


def _page(results, output):
    workflow, studies, place = results
    write_study_page(studies[1], workflow.scale, place, output)
    return output


def _same_but(output, whole, *differ):
    """All tables and plots are those of the whole page, but for some; returns the page."""
    for path in (path for folder in ("tables", "plots") for path in (whole / folder).iterdir()):
        other = output / path.relative_to(whole)
        if path.with_suffix(".svg").name in differ and path.suffix != ".svg":
            assert not other.exists(), "a figure that could not be drawn has nothing beside it"
            continue
        assert (other.read_bytes() == path.read_bytes()) == (path.name not in differ), path.name
    return (output / "index.html").read_text()


@pytest.mark.parametrize("error", [ValueError("<script>alert(1)</script>\nand $more"), MemoryError(), KeyError("x")])
def test_a_figure_that_fails_costs_itself_alone(error, results, whole, tmp_path, monkeypatch, warnings_of):
    def fail(*_):
        raise error

    monkeypatch.setattr(classification, "plot_roc", fail)
    page = _same_but(_page(results, tmp_path), whole, "tagger-roc.svg")
    assert "1 figure or table could" in page
    assert "<script>" not in page
    assert type(error).__name__ in page
    assert 'id="failed-tagger-roc"' in page
    assert (tmp_path / "plots" / "tagger-roc.svg").read_text().count("could not be drawn") == 1
    assert [line for line in warnings_of() if "tagger-roc" in line and type(error).__name__ in line]
    listed = json.loads((tmp_path / "provenance.json").read_text())["files"]["report"]
    assert "plots/tagger-roc.svg" in listed


@pytest.mark.parametrize(("curve", "part", "figure"), [
    ("confusion", "fraction", "tagger-kinematics-classes"), ("roc", "samples", "tagger-roc")])  # fmt: skip
def test_curves_that_lack_a_part_cost_their_figures_alone(curve, part, figure, results, whole, write_report, tmp_path):
    """A real file of another version, say: sealed and whole, but without what one figure needs."""
    workflow, studies, place = results
    shutil.copytree(place, tmp_path / "results")
    path = tmp_path / "results" / "tagger" / "evaluation" / "kinematics" / "metrics.json"
    tree = json.loads(path.read_text())
    del tree["curves"][curve][part]
    publish_json(path, with_checksum({key: value for key, value in tree.items() if key != "sha256"}))
    output = tmp_path / "report"
    write_report(workflow, studies, tmp_path / "results", output)
    page = _same_but(output / "tagger", whole, f"{figure}.svg")
    assert "1 figure or table could" in page
    assert "could not be made" not in (output / "curve" / "index.html").read_text()
    assert f"{figure} (KeyError" in (output / "index.html").read_text()


def test_a_section_that_fails_leaves_the_others(results, whole, tmp_path, monkeypatch, warnings_of):
    def fail(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(classification.ClassificationSection, "figures", fail)
    monkeypatch.setattr(tables, "timings_table", fail)
    output = _page(results, tmp_path)
    page = (output / "index.html").read_text()
    assert "2 figures and tables could" in page
    assert read_claims(output / "claims.json", "tagger").claims == read_claims(whole / "claims.json", "tagger").claims
    assert (output / "tables" / "tagger_timings.csv").read_text() == "failure\nZeroDivisionError: division by zero\n"
    learning = "plots/tagger-learning.svg"
    assert (output / learning).read_bytes() == (whole / learning).read_bytes()
    assert len([line for line in warnings_of() if "could not be made" in line]) == 3  # each, and all together


def test_what_was_drawn_before_is_not_left_beside_a_new_page(results, whole, tmp_path, monkeypatch):
    shutil.copytree(whole, tmp_path / "report")
    monkeypatch.setattr(classification, "plot_roc", lambda *_: 1 / 0)
    _page(results, tmp_path / "report")
    assert b"could not be drawn" in (tmp_path / "report" / "plots" / "tagger-roc.svg").read_bytes()
    assert not list((tmp_path / "report" / "plots").glob("tagger-roc.[!s]*"))


def test_a_users_error_is_no_broken_figure(results, tmp_path, monkeypatch):
    def fail(*_):
        raise UserError("metrics.json", "was changed or damaged")

    monkeypatch.setattr(classification, "plot_roc", fail)
    with pytest.raises(UserError, match="changed or damaged"):
        _page(results, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_no_figure_of_a_failed_one_stays_open(results, monkeypatch):
    import matplotlib.pyplot as plt

    from bevatron.report.plots.style import draw_figure, page_style

    def fail():
        plt.subplots()
        raise ValueError

    with page_style():
        kept = plt.figure()
        opened = plt.get_fignums()  # other tests of the process may have left some
        assert draw_figure(fail, "name", "caption").failure == "ValueError:"
        assert plt.get_fignums() == opened
        plt.close(kept)
