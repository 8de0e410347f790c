"""The ledger: it keeps what earlier runs wrote, and trusts no verdict whose page, settings or results are others."""

import csv
import json
import shutil

import pytest

from bevatron.errors import UserError
from bevatron.report.provenance.trace import read_trace
from bevatron.report.stage import write_ledger, write_study_page
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json


@pytest.fixture(scope="module")
def written(results, write_report, tmp_path_factory):
    workflow, studies, folder = results
    place = tmp_path_factory.mktemp("ledger") / "results"
    shutil.copytree(folder, place)
    write_report(workflow, studies, place, place / "report")
    return place


@pytest.fixture
def place(written, tmp_path):
    shutil.copytree(written, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def ledger(place, results):
    """Writes the ledger of a run of some studies; returns its page and the rows of claims.csv by study."""
    _, studies, _ = results
    settings = {study.name: study for study in studies}

    def write(run, configured=("curve", "tagger"), scale="demo", changed=()):
        def load_study(name, at_scale):
            study = settings[name]
            return study.model_copy(update={"title": "another"}) if name in changed else study

        write_ledger(scale, list(run), list(configured), load_study, place, place / "report")
        with (place / "report" / "tables" / "claims.csv").open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        by_study = {name: [row for row in rows if row["study"] == name] for name in settings}
        return (place / "report" / "index.html").read_text(), by_study

    return write


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_of_one_study_leaves_the_others_pages_and_verdicts(ledger, place, results):
    _, studies, _ = results
    before = files_of(place / "report" / "tagger")
    shutil.rmtree(place / "report" / "curve")
    write_study_page(studies[0], "demo", place, place / "report" / "curve")
    page, rows = ledger(["curve"])
    assert files_of(place / "report" / "tagger") == before
    assert 'href="tagger/index.html"' in page
    assert "Not part of the last run: written on 20" in page
    assert page.index('id="curve"') < page.index('id="tagger"')
    assert [row["counted"] for row in rows["tagger"]] == ["yes"] * 3
    assert {row["state"] for name in rows for row in rows[name]} == {""}
    assert "2 studies at scale" in page
    assert read_trace(place / "report").find_changed() == ([], [])


def test_changed_settings_make_verdicts_out_of_date(ledger):
    page, rows = ledger(["curve"], changed=["tagger"])
    assert [row["counted"] for row in rows["tagger"]] == ["no"] * 3
    assert {row["state"] for row in rows["tagger"]} == {"its settings have changed since"}
    assert "These verdicts are out of date and are not counted: its settings have changed since." in page
    assert "1 study at scale" in page


@pytest.mark.parametrize("run", [["curve"], ["curve", "tagger"]])
def test_results_that_changed_make_verdicts_out_of_date(run, ledger, place):
    path = place / "tagger" / "evaluation" / "kinematics" / "metrics.json"
    tree = json.loads(path.read_text())
    publish_json(path, with_checksum(tree | {"title": "another"}))
    page, rows = ledger(run)
    assert {row["state"] for row in rows["tagger"]} == {
        "its results have changed since: evaluation/kinematics/metrics.json"
    }
    assert "1 study at scale" in page


def test_results_that_were_removed_change_no_verdict(ledger, place):
    shutil.rmtree(place / "tagger")
    assert [row["counted"] for row in ledger(["curve"])[1]["tagger"]] == ["yes"] * 3


@pytest.mark.parametrize("file", ["claims.json", "index.html", "provenance.json"])
def test_damaged_verdicts_are_not_shown(file, ledger, place):
    path = place / "report" / "tagger" / file
    path.write_text(path.read_text().replace("reproduced", "Reproduced", 1) + " ")
    page, rows = ledger(["curve"])
    assert rows["tagger"] == []
    assert f"tagger/{file}" in page
    assert "changed or damaged" in page
    assert 'class="claim' in page.split('id="tagger"')[0]
    assert 'class="claim' not in page.split('id="tagger"')[1]
    with pytest.raises(UserError, match=rf"tagger/{file}.*changed or damaged.*bevatron report-study tagger"):
        ledger(["tagger"])


def test_verdicts_of_another_study_are_refused(ledger, place):
    shutil.copy(place / "report" / "curve" / "claims.json", place / "report" / "tagger" / "claims.json")
    page, rows = ledger(["curve"])
    assert rows["tagger"] == []
    assert "was made for the study" in page


def test_a_study_of_the_run_must_have_a_page(ledger, place):
    shutil.rmtree(place / "report" / "tagger")
    with pytest.raises(UserError, match=r"tagger/claims\.json: is missing; run `bevatron report-study tagger`"):
        ledger(["curve", "tagger"])
    assert 'id="tagger"' not in ledger(["curve"])[0]


def test_verdicts_of_another_scale_are_not_counted(ledger):
    page, rows = ledger(["curve", "tagger"], scale="paper")
    assert {row["scale"] for name in rows for row in rows[name]} == {"demo"}
    assert {row["counted"] for name in rows for row in rows[name]} == {"no"}
    assert "0 studies at scale" in page
    assert "Decided at scale <b>demo</b> and not counted at scale paper." in page


def test_a_study_that_left_the_configuration_is_apart_until_its_folder_is_removed(ledger, place):
    page, rows = ledger(["curve"], configured=["curve"])
    assert page.index("Not part of this configuration") < page.index('id="tagger"')
    assert {(row["counted"], row["state"]) for row in rows["tagger"]} == {("no", "not part of the configuration")}
    shutil.rmtree(place / "report" / "tagger")
    page, rows = ledger(["curve"], configured=["curve"])
    assert "tagger" not in page
    assert rows["tagger"] == []


def test_folders_with_other_names_are_no_studies(ledger, place):
    for name in ("Not a study", "-x"):
        (place / "report" / name).mkdir()
        (place / "report" / name / "claims.json").write_text("{}")
    assert "Not a study" not in ledger(["curve", "tagger"])[0]
