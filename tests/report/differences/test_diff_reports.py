"""`bevatron diff-reports` on reports that the report stage wrote, and its properties."""

import csv
import io
import json
import shutil
import sys

import numpy as np
import pytest

from bevatron import cli
from bevatron.json_text import parse_json
from bevatron.report.differences.compare import compare_reports
from bevatron.store.records.metrics import read_metrics, write_metrics

MIRRORED = {"only in A": "only in B", "only in B": "only in A"}


@pytest.fixture(scope="module")
def sides(results, write_report, tmp_path_factory):
    """Results with a report, and the same in which one model of `tagger` is worse by 0.2 in AUC."""
    workflow, studies, folder = results
    made = []
    for letter in "ab":
        place = tmp_path_factory.mktemp(letter) / "results"
        shutil.copytree(folder, place)
        if letter == "b":
            path = place / "tagger" / "evaluation" / "feedforward" / "metrics.json"
            record, name = read_metrics(path, "tagger", "feedforward"), "auc.beauty_vs_light"
            was = record.metrics[name]
            worse = was.model_copy(
                update={"value": was.value - 0.2, "per_seed": tuple(value - 0.2 for value in was.per_seed)}
            )
            replicas = tuple(value - 0.2 for value in record.bootstrap[name])
            changed = {"metrics": record.metrics | {name: worse}, "bootstrap": record.bootstrap | {name: replicas}}
            write_metrics(path, record.model_copy(update=changed))
        write_report(workflow, studies, place, place / "report")
        made.append(place)
    return made


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
    assert moved["difference"] == pytest.approx(-0.2)
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


def draw(rng, report):
    """A report of a few metrics, claims and settings, each of which may be missing or odd."""
    for model in ("mlp", "cnn"):
        if rng.random() < 0.7:
            report.add_model(model, int(rng.integers(1, 4)))
        for metric in range(4):
            seeds = rng.choice([0.1, 0.2, 0.3], int(rng.integers(0, 4))).tolist()
            value, error = rng.choice(np.array([0.1, 0.5, 1e9, "inf", None], object)), rng.choice([0.0, 0.1, 1e-9])
            report.add_metric(f"m{metric}", value, rng.choice(np.array([float(error), None], object)), seeds, model)
    for k in range(4):
        margin = ("m", *rng.choice(np.array([-3.0, 0.1, 2.1, None], object), 3).tolist())
        if rng.random() < 0.8:
            report.add_claim(f"c{k}", str(rng.choice(["reproduced", "undecided"])), margin)
    report.part["settings"] = {key: int(rng.integers(2)) for key in "abc" if rng.random() < 0.8}
    report.versions = {key: str(rng.integers(2)) for key in ("torch", "numpy") if rng.random() < 0.8}


def test_a_comparison_with_itself_is_empty_and_one_in_reverse_is_the_mirror_image(hand_made, tmp_path):
    """Twenty pairs of odd reports."""
    for k in range(20):
        rng = np.random.default_rng(k)
        for letter in "ab":
            report = hand_made()
            draw(rng, report)
            report.write(tmp_path / f"{letter}{k}")
        a, b = tmp_path / f"a{k}", tmp_path / f"b{k}"
        assert compare_reports(a, a).identical
        there, back = compare_reports(a, b), compare_reports(b, a)

        forward = {str(c.key): (c.state, c.difference, c.distance, c.rate) for c in there.metrics}
        for change in back.metrics:
            state, difference, distance, rate = forward.pop(str(change.key))
            assert MIRRORED.get(state, state) == change.state
            np.testing.assert_allclose([-difference, -distance], [change.difference, change.distance], rtol=1e-9)
            assert rate == pytest.approx(change.rate)
        assert not forward
        assert {(c.id, c.a, c.b, MIRRORED.get(c.remark, c.remark)) for c in there.verdicts} == {
            (c.id, c.b, c.a, c.remark) for c in back.verdicts
        }
        for kind in ("settings", "code", "software", "digests"):
            assert {(c.key, c.a, c.b) for c in getattr(there, kind)} == {(c.key, c.b, c.a) for c in getattr(back, kind)}
