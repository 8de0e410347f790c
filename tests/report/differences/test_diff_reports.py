"""`bevatron diff-reports` on reports that the report stage wrote."""

import csv
import io
import json
import shutil
import sys

import pytest

from bevatron import cli
from bevatron.json_text import parse_json
from bevatron.report.differences.compare import compare_reports
from bevatron.report.stage import write_study_page
from bevatron.store.records.metrics import read_metrics, write_metrics


@pytest.fixture(scope="module")
def sides(results, write_report, tmp_path_factory):
    """Results with a report, and the same in which one model of `tagger` is worse by 0.3 in AUC, and so than a cut."""
    workflow, studies, folder = results
    a, b = (tmp_path_factory.mktemp(letter) / "results" for letter in "ab")
    shutil.copytree(folder, a)
    write_report(workflow, studies, a, a / "report")
    shutil.copytree(a, b)
    path = b / "tagger" / "evaluation" / "feedforward" / "metrics.json"
    record, name = read_metrics(path, "tagger", "feedforward"), "auc.beauty_vs_light"
    was = record.metrics[name]
    worse = was.model_copy(update={"value": was.value - 0.3, "per_seed": tuple(v - 0.3 for v in was.per_seed)})
    replicas = tuple(value - 0.3 for value in record.bootstrap[name])
    changed = {"metrics": record.metrics | {name: worse}, "bootstrap": record.bootstrap | {name: replicas}}
    write_metrics(path, record.model_copy(update=changed))
    write_study_page(studies[1], workflow.scale, b, b / "report" / "tagger")
    return a, b


@pytest.fixture
def bevatron(monkeypatch, capsys):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["bevatron", "diff-reports", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return run


def test_identical_reports_say_so_in_one_line(sides, bevatron):
    code, out, err = bevatron(sides[0], sides[0] / "report")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert out.startswith("The reports are the same: 2 studies, 6 verdicts, ")


def test_one_metric_that_was_moved_is_the_one_that_is_found(sides, bevatron):
    code, out, _ = bevatron(*sides, "--json")
    found = parse_json(out)
    assert code == 0
    assert not found["identical"]
    (moved,) = found["metrics"]["differing"]
    assert (moved["study"], moved["model"], moved["metric"]) == ("tagger", "feedforward", "auc.beauty_vs_light")
    assert moved["state"] == "moved"
    assert moved["difference"] == pytest.approx(-0.3)
    assert found["metrics"]["equal"] > 50
    assert found["trainings"] == {"compared": 12, "same_weights": 12}
    assert found["verdicts"]["changed"]
    for key in ("settings", "code", "software", "digests", "only_a", "only_b", "not_compared"):
        assert found[key] == []


def test_the_text_names_it_and_tells_what_is_assumed(sides, bevatron):
    code, out, _ = bevatron(*sides)
    assert code == 0
    assert "auc.beauty_vs_light" in out
    assert "taken to be independent" in out
    assert "the errors are too large" in out


@pytest.mark.parametrize(
    ("order", "what", "code"),
    [((0, 1), "verdicts", 1), ((0, 1), "metrics", 1), ((0, 0), "verdicts", 0), ((0, 0), "metrics", 0)],
)
def test_fail_on(sides, bevatron, order, what, code):
    assert bevatron(*(sides[k] for k in order), "--fail-on", what)[0] == code


def test_csv_has_a_row_for_each_metric_and_difference(sides, bevatron):
    _, out, _ = bevatron(*sides, "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    found = compare_reports(*sides)
    assert sum(row["what"] == "metric" for row in rows) == len(found.metrics)
    assert [row["name"] for row in rows if row["state"] == "moved"] == ["auc.beauty_vs_light"]
    assert sum(row["what"] == "verdict" for row in rows) == len(found.verdicts)


def test_a_report_moved_elsewhere_is_enough(sides, tmp_path):
    shutil.copytree(sides[1] / "report", tmp_path / "sent by a colleague")
    assert compare_reports(sides[1], tmp_path / "sent by a colleague").identical


def test_the_page_of_one_study_is_compared_with_that_study_alone(sides):
    page = sides[0] / "report" / "curve"
    for other in (sides[1], sides[1] / "report" / "curve" / "index.html"):
        found = compare_reports(page, other)
        assert found.studies == ("curve",)
        assert found.identical


def test_results_without_a_report_have_their_metrics_compared(sides, tmp_path):
    shutil.copytree(sides[1], tmp_path / "results", ignore=shutil.ignore_patterns("report"))
    found = compare_reports(sides[0], tmp_path / "results")
    states = {str(change.key): change.state for change in found.metrics}
    assert states.pop("tagger feedforward auc.beauty_vs_light") == "moved"
    assert set(states.values()) == {"equal"}
    assert not found.verdicts
    assert ("B", "tagger", "verdicts (there is no report)") in found.unknown


def test_an_unknown_study_is_named_with_those_there_are(sides, bevatron):
    code, out, err = bevatron(*sides, "--study", "tager")
    assert (code, out) == (2, "")
    assert (
        err == "bevatron: --study: no report has the study 'tager' (did you mean 'tagger'?); they have: curve, tagger\n"
    )
    assert bevatron(*sides, "--study", "curve")[1].startswith("The reports are the same: 1 study,")


def test_json_and_csv_together_are_refused(sides, bevatron):
    assert bevatron(*sides, "--json", "--csv")[0] == 2


def test_settings_of_a_report_have_every_key_of_the_study_and_no_place(sides, results):
    """A path of this machine would mean nothing on another, and would make equal reports differ."""
    _, studies, _ = results
    for study in studies:
        text = (sides[0] / "report" / study.name / "provenance.json").read_text()
        part = json.loads(text)["studies"][study.name]
        whole = study.model_dump(mode="json")
        assert part["settings"].keys() - {"models"} == whole.keys() - {"models"}
        for name, model in whole["models"].items():
            assert part["models"][name]["settings"].keys() == model.keys() - {"search"}
        assert str(sides[0].parent) not in text
