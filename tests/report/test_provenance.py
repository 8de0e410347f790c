"""Every number of a report says where it comes from, and a file that changed afterwards is named."""

import csv
import json
import math
import re
import shutil
import sys
from pathlib import Path

import pytest

from bevatron import cli
from bevatron.config.loading.identity import dataset_digest, raw_digest, run_digest
from bevatron.errors import UserError
from bevatron.prepare.recipes.jets import JetSamples
from bevatron.report.provenance.record import without_folders
from bevatron.report.provenance.trace import read_trace
from bevatron.simulate.sources.jets import PythiaJets
from bevatron.store.shards.manifest import load_manifest


@pytest.fixture(scope="module")
def written(results, write_report, tmp_path_factory):
    """A results folder with its report, as the workflow leaves them; tests that change files copy it first."""
    workflow, studies, folder = results
    place = tmp_path_factory.mktemp("provenance") / "results"
    shutil.copytree(folder, place)
    write_report(workflow, studies, place, place / "report")
    return place


@pytest.fixture
def copied(written, tmp_path):
    shutil.copytree(written, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def bevatron(monkeypatch, capsys):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["bevatron", "provenance", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as end:
            captured = capsys.readouterr()
            return end.code or 0, captured.out, captured.err
        raise AssertionError("the command did not end")

    return run


def cells(folder: Path) -> dict[tuple[str, int, str], float]:
    """Every number of the tables, by the table's name, the row and the column, as the csv module reads them."""
    found = {}
    for path in sorted(folder.rglob("tables/*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as file:
            for k, row in enumerate(csv.DictReader(file), start=1):
                for column, text in row.items():
                    try:
                        value = float(text)
                    except ValueError:
                        continue
                    found[path.stem, k, column] = value
    return found


def test_every_number_of_every_table_has_an_entry_with_its_value(written):
    numbers = cells(written / "report")
    entries = {(n["table"], n["row"], n["column"]): n for n in read_trace(written / "report").numbers()}
    assert len(numbers) > 500
    assert set(entries) == set(numbers)
    for place, value in numbers.items():
        assert math.isclose(float(entries[place]["value"]), value, rel_tol=1e-9), place


def test_each_entry_says_all_that_its_number_came_from(written, results):
    _, studies, _ = results
    by_name = {study.name: study for study in studies}
    for number in read_trace(written / "report").numbers():
        study = by_name[number["study"]]
        manifest = load_manifest(written / study.name / "dataset" / "manifest.json")
        assert number["manifest_sha256"] == manifest.sha256
        assert number["dataset_digest"] == dataset_digest(study)
        assert number["raw_digest"] == raw_digest(study)
        assert number["simulation_versions"] == {"generator": "1.0"}
        kinds = (f"source {study.simulation.source.kind}", f"recipe {study.dataset.recipe.kind}", "split")
        versions = (PythiaJets.VERSION, JetSamples.VERSION) if kinds[0] == "source jets" else (1, 1)
        assert number["code_versions"] == dict(zip(kinds, (*versions, 1), strict=True))
        assert number["command"]
        if number["stage"] == "evaluate":
            assert number["metric"]
            assert number["runs"]
            assert number["evaluated_with"]["torch"]
            for run in number["runs"]:
                model = study.models[number["model"]]
                assert run["digest"] == run_digest(study, model, manifest.sha256, run["seed"], "in memory")
                assert run["versions"] == {"torch": "2.0"}
                assert run["order"] == "in memory"
                capability = "AVX512" if (study.name, run["seed"]) == ("tagger", 1) else "AVX2"
                assert run["environments"][0]["capability"] == capability
                assert run["reproducible"]


def test_a_seed_s_own_column_names_that_seed_s_run_alone(written):
    for number in read_trace(written / "report").numbers("tagger_metrics"):
        if number["column"].startswith("seed "):
            assert number["seeds"] == [int(number["column"].removeprefix("seed "))]
        elif number["stage"] == "evaluate":
            assert number["seeds"] == [0, 1, 2]


def test_an_entry_s_metric_is_the_one_that_was_measured(written):
    """Followed back by its entry alone, each value of the comparison is found in metrics.json."""
    checked = 0
    for number in read_trace(written / "report").numbers("tagger_comparison"):
        metrics = json.loads((written / "tagger" / "evaluation" / number["model"] / "metrics.json").read_text())
        key = "error" if number["column"].endswith(" error") else "value"
        assert math.isclose(metrics["metrics"][number["metric"]][key], number["value"], rel_tol=1e-9)
        checked += 1
    assert checked > 4


def test_claims_name_the_numbers_they_compare(written):
    claims = {claim["claim"]: claim for claim in read_trace(written / "report").claims()}
    found = claims["beats_cut"]
    assert found["verdict"] == "reproduced"
    assert [(n.get("model"), n.get("observable"), n["metric"]) for n in found["numbers"]] == [
        ("feedforward", None, "auc.beauty_vs_light"),
        (None, "leading_d0", "auc.beauty_vs_light"),
        (None, "second_d0", "auc.beauty_vs_light"),
    ]
    assert found["numbers"][0]["command"].startswith("bevatron evaluate tagger feedforward --scale demo ")
    assert found["numbers"][1]["command"].startswith("bevatron observables tagger --scale demo ")


def test_the_page_says_where_models_were_trained_and_which_seeds_differ(written):
    page = (written / "report" / "tagger" / "index.html").read_text(encoding="utf-8")
    assert page.count("seeds trained in different environments: capability AVX2 and AVX512") == 2
    assert "cpu (Some processor, AVX512), 2 threads" in page


def test_untouched_files_match(written, bevatron):
    for report in (written / "report", written / "report" / "index.html"):
        code, out, err = bevatron(report, "--data")
        assert (code, err) == (0, "")
        assert "beats_cut" in out
        assert "auc.beauty_vs_rest" in out
        assert "trained on      cpu (Some processor, AVX512), 2 threads: feedforward, kinematics" in out
        assert "kinematics: seeds trained in different environments: capability AVX2 and AVX512" in out
        assert "long: seeds trained" not in out


@pytest.mark.parametrize(
    "file",
    [
        "tagger/models/kinematics/seed-1/weights.safetensors",
        "tagger/evaluation/data.json",
        "curve/evaluation/long/metrics.json",
        "curve/dataset/manifest.json",
        "tagger/search/feedforward/best.yaml",
        "report/tagger/tables/tagger_metrics.csv",
        "report/tagger/index.html",
        "report/tables/claims.csv",
        "report/index.html",
    ],
)
def test_a_changed_file_is_named(file, copied, bevatron):
    path = copied / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    code, out, err = bevatron(copied / "report")
    assert code == 2
    assert err.splitlines() == [f"bevatron: {path}: is not the file that the report was made with; "
                                "run `bevatron report-study` and `bevatron report` again, or the workflow"]  # fmt: skip
    assert "beats_cut" in out


def test_weights_that_changed_before_the_report_are_named_too(results, copied, bevatron, write_report):
    """What counts is what was evaluated, not what lay there when the report was written."""
    workflow, studies, _ = results
    path = copied / "tagger" / "models" / "kinematics" / "seed-1" / "weights.safetensors"
    path.write_text("other weights")
    write_report(workflow, studies, copied, copied / "report")
    code, _, err = bevatron(copied / "report")
    assert code == 2
    assert str(path) in err


def test_a_shard_that_changed_is_named_when_asked(copied, bevatron):
    path = copied / "curve" / "dataset" / "val-0000.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert bevatron(copied / "report")[0] == 0
    code, _, err = bevatron(copied / "report", "--data")
    assert code == 2
    assert str(path) in err


def test_files_that_are_gone_are_told_but_no_fault(copied, bevatron):
    path = copied / "curve" / "models" / "long" / "seed-0" / "weights.safetensors"
    path.unlink()
    code, _, err = bevatron(copied / "report")
    assert code == 0
    assert err.splitlines() == [f"bevatron: not here to be checked: {path}"]


def test_a_changed_provenance_is_refused(copied):
    path = copied / "report" / "provenance.json"
    path.write_text(
        path.read_text().replace('"verdict": "undecided"', '"verdict": "reproduced"').replace("0.", "1.", 1)
    )
    with pytest.raises(UserError, match=r"provenance.json: does not match its own digest"):
        read_trace(copied / "report")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema_version": 9, "sha256": ""}'])
def test_what_is_no_provenance_is_refused_in_one_line(copied, text, bevatron):
    (copied / "report" / "provenance.json").write_text(text)
    code, out, err = bevatron(copied / "report")
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert "provenance.json" in line


def test_json_and_one_table(written, bevatron):
    code, out, _ = bevatron(written / "report", "--json")
    assert code == 0
    assert len(json.loads(out)["numbers"]) == len(cells(written / "report"))
    code, out, _ = bevatron(written / "report", "--table", "tagger_published")
    assert code == 0
    assert "0.916" in out
    code, out, err = bevatron(written / "report", "--table", "nothing")
    assert code == 2
    assert "tagger_published" in err


def test_it_holds_no_path_of_this_machine_and_no_time(written):
    text = (written / "report" / "provenance.json").read_text()
    assert str(written) not in text
    assert str(Path.home()) + "/" not in text
    assert not re.search(r"20\d\d-\d\d-\d\d", text)


def test_csv_has_every_metric_with_the_digits_of_its_table(written, bevatron):
    code, out, err = bevatron(written / "report", "--csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(out.splitlines()))
    tables = cells(written / "report")
    expected = {value for (table, _, column), value in tables.items() if column == "value" and "_models" not in table}
    assert {float(row["value"]) for row in rows} == expected
    assert len(rows) == sum(column == "value" for _, _, column in tables)
    manifest = load_manifest(written / "tagger" / "dataset" / "manifest.json")
    (row,) = [r for r in rows if (r["model"], r["metric"]) == ("feedforward", "accuracy")]
    assert (row["study"], row["trainings"], row["dataset"]) == ("tagger", "3", manifest.sha256)
    record = json.loads((written / "tagger" / "evaluation" / "feedforward" / "metrics.json").read_text())
    assert float(row["value"]) == pytest.approx(record["metrics"]["accuracy"]["value"], rel=1e-9)
    assert float(row["error"]) == pytest.approx(record["metrics"]["accuracy"]["error"], rel=1e-9)


def test_csv_and_json_together_are_refused(written, bevatron):
    assert bevatron(written / "report", "--csv", "--json")[0] == 2


def test_an_absolute_path_among_the_settings_is_cut_to_the_file_s_name():
    """It means nothing on another machine, and may say more than its owner wants to send."""
    paths = ["/data/jane/ttbar.root", "~/f.csv", r"C:\runs\b.root", "data/*.csv", "pt / mass", "/"]
    expected = [".../ttbar.root", ".../f.csv", ".../b.root", "data/*.csv", "pt / mass", ".../"]
    assert without_folders({"source": {"files": paths, "epochs": 3}}) == {"source": {"files": expected, "epochs": 3}}
