"""The page and its tables from results of known content."""

import csv
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml

from bevatron.errors import UserError
from bevatron.report.results.study_results import read_study
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json, publish_text, sha256_of
from bevatron.store.records.search import SearchRecord, TrialRecord, write_search

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Collects a page's tags and links, and checks that every tag is closed."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.links, self.anchors = [], [], [], set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        attributes = dict(attributes)
        self.links += [attributes[key] for key in ("href", "src") if key in attributes]
        self.anchors.add(attributes.get("id"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(results, write_report, tmp_path_factory):
    workflow, studies, folder = results
    output = tmp_path_factory.mktemp("report")
    write_report(workflow, studies, folder, output)
    return output


@pytest.fixture(scope="module")
def ledger(report):
    return (report / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pages(report):
    """The pages of the studies, by name."""
    return {name: (report / name / "index.html").read_text(encoding="utf-8") for name in ("curve", "tagger")}


@pytest.mark.parametrize("file", ["index.html", "curve/index.html", "tagger/index.html"])
def test_a_page_needs_nothing_else_and_its_links_arrive(file, report):
    text = (report / file).read_text(encoding="utf-8")
    found = Page(text)
    assert "script" not in found.tags
    assert "link" not in found.tags
    to_plots = {link for link in found.links if link.startswith("plots/")}
    assert all((report / file).with_name("plots").joinpath(link.removeprefix("plots/")).is_file() for link in to_plots)
    assert bool(to_plots) == (file != "index.html")
    to_pages = {link for link in found.links if not link.startswith(("data:image/", "#"))} - to_plots
    assert to_pages == (
        {"curve/index.html", "tagger/index.html"} if file == "index.html" else {"../index.html", "explore.html"}
    )
    assert not re.search(r"url\(|@import", text)
    assert len(text) < 6e6
    assert {link[1:] for link in found.links if link.startswith("#")} <= found.anchors


def test_pages_name_every_study_claim_and_model(ledger, pages, results):
    _, studies, _ = results
    for study in studies:
        for page in (ledger, pages[study.name]):
            assert study.title in page
            assert f'id="{study.name}"' in page
            assert all(claim.statement in page and claim.source in page for claim in study.claims)
        assert all(model.title in pages[study.name] for model in study.models.values())


def test_verdicts_are_those_of_the_drawn_predictions(report):
    with (report / "tables" / "claims.csv").open(newline="", encoding="utf-8-sig") as file:
        found = {row["claim"]: row for row in csv.DictReader(file)}
    verdicts = {claim: row["verdict"] for claim, row in found.items()}
    assert verdicts.pop("kinematics_tell_little") != "not reproduced"  # its outputs do carry a little of the flavour
    reproduced = ("short_does_not_fit", "long_fits", "order", "beats_cut")
    assert verdicts == {"as_quick": "not reproduced", **dict.fromkeys(reproduced, "reproduced")}
    row = found["long_fits"]  # the error is that at two standard deviations; farther out, Student's t widens it
    assert float(row["margin"]) / float(row["margin error"]) >= float(row["distance [sigma]"]) > 2.0
    assert 0 < float(row["p"]) <= float(row["false discovery rate"]) <= 1


def test_the_ledger_has_all_claims_and_a_page_its_own(ledger, pages):
    assert ledger.index('id="ledger"') < ledger.index('id="curve"') < ledger.index('id="tagger"')
    for page, claims in ((ledger, 6), (pages["curve"], 3), (pages["tagger"], 3)):
        assert len(re.findall(r'class="claim (?:reproduced|not-reproduced|undecided)"', page)) == claims


def test_tables_repeat_the_measured_numbers(report, results):
    _, _, folder = results
    tree = json.loads((folder / "tagger" / "evaluation" / "feedforward" / "metrics.json").read_text())
    with (report / "tagger" / "tables" / "tagger_metrics.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {(r["model"], r["metric"]): r for r in csv.DictReader(file)}
    for name, metric in tree["metrics"].items():
        row = rows["Feedforward", name]
        if metric["value"] is not None:
            assert np.isclose(float(row["value"]), metric["value"])
            assert np.isclose(float(row["seed 1"]), metric["per_seed"][1])
    with (report / "tagger" / "tables" / "tagger_published.csv").open(newline="", encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert float(row["published"]) == 0.916
    assert np.isclose(float(row["difference"]), tree["metrics"]["auc.beauty_vs_rest"]["value"] - 0.916)


def test_features_stand_with_their_definitions(report, pages):
    with (report / "tagger" / "tables" / "tagger_features.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {(r["group"], r["feature"]): r["definition"] for r in csv.DictReader(file)}
    assert rows == {("jet", "pt"): "momentum across the beam", ("tracks", "d0_significance"): ""}
    assert "momentum across the beam" in pages["tagger"]
    assert "tracks.pt_min" in pages["tagger"]  # options in sections are listed one by one


def test_images_of_a_page_lie_beside_it(report, pages):
    names = {study: {path.name for path in (report / study / "plots").iterdir()} for study in pages}
    assert {"curve-fits.svg", "curve-residuals.svg", "curve-learning.svg", "curve-points.svg"} <= names["curve"]
    assert {"tagger-roc.svg", "tagger-observables.svg", "tagger-feedforward-classes.svg"} <= names["tagger"]
    for study, page in pages.items():
        assert page.count("<img ") == sum(name.endswith(".svg") for name in names[study])
        for suffix in ("pdf", "csv"):  # of each figure, and nothing else
            beside = {name.replace(f".{suffix}", ".svg") for name in names[study] if name.endswith(suffix)}
            assert beside == {name for name in names[study] if name.endswith(".svg")}


def test_same_results_same_bytes(report, results, tmp_path, write_report):
    workflow, studies, folder = results
    write_report(workflow, studies, folder, tmp_path)
    for path in (p for p in report.rglob("*") if p.is_file()):
        assert path.read_bytes() == (tmp_path / path.relative_to(report)).read_bytes(), path


@pytest.fixture
def copied(results, tmp_path):
    workflow, studies, folder = results
    shutil.copytree(folder, tmp_path / "results")
    return workflow, studies, tmp_path / "results"


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("tagger/evaluation/kinematics/metrics.json", "bevatron evaluate tagger kinematics"),
        ("tagger/evaluation/data.json", "bevatron observables tagger"),
        ("tagger/dataset/manifest.json", "bevatron manifest tagger"),
        ("curve/models/long/seed-2/history.csv", "bevatron train curve long"),
        ("tagger/search/feedforward/best.yaml", "bevatron search tagger feedforward"),
        ("tagger/search/feedforward/trials.csv", "bevatron search tagger feedforward"),
    ],
)
def test_missing_file_is_named_with_the_command_that_makes_it(file, command, copied, tmp_path, write_report):
    workflow, studies, folder = copied
    (folder / file).unlink()
    with pytest.raises(UserError, match=f"{file}: is missing; run `{command}`") as caught:
        write_report(workflow, studies, folder, tmp_path / "report")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "report").rglob(f"{file.split('/')[0]}/*"))
    assert not (tmp_path / "report" / "index.html").exists()


def test_metrics_of_another_dataset_are_refused(copied, tmp_path, write_report):
    workflow, studies, folder = copied
    path = folder / "curve" / "evaluation" / "short" / "metrics.json"
    publish_json(path, with_checksum(json.loads(path.read_text()) | {"manifest_sha256": "e" * 64}))
    with pytest.raises(UserError, match=r"measured on another dataset, eeeeeeeeeeee.*bevatron evaluate curve short"):
        write_report(workflow, studies, folder, tmp_path / "report")


def test_damaged_metrics_are_refused(copied, tmp_path, write_report):
    workflow, studies, folder = copied
    path = folder / "curve" / "evaluation" / "short" / "metrics.json"
    path.write_text(path.read_text()[:1000])
    with pytest.raises(UserError, match=r"metrics.json: cannot be read.*bevatron evaluate curve short"):
        write_report(workflow, studies, folder, tmp_path / "report")


@pytest.mark.parametrize(
    ("file", "number"),
    [
        ("curve/evaluation/short/metrics.json", r"\d\.\d{5}"),
        ("tagger/evaluation/data.json", r"\d\.\d{5}"),
        ("curve/models/long/seed-2/history.csv", r"\d\.\d{4}"),
    ],
)
def test_a_number_changed_in_a_file_is_noticed(file, number, copied, tmp_path, write_report):
    """One digit is another: the file reads as well as before, and the report would tell a wrong number."""
    workflow, studies, folder = copied
    path, text = folder / file, (folder / file).read_text()
    at = list(re.finditer(number, text))[20].start()
    path.write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :])
    with pytest.raises(UserError, match=rf"{path.name}: .*changed or damaged; run `bevatron \w+ {file.split('/')[0]}"):
        write_report(workflow, studies, folder, tmp_path / "report")


@pytest.mark.parametrize("damaged", ["best.yaml", "search.json", "trials.csv"])
def test_a_number_changed_in_a_search_is_noticed(damaged, copied, tmp_path, write_report):
    workflow, studies, folder = copied
    place = folder / "tagger" / "search" / "feedforward"
    digest = sha256_of(place / "trials.csv")
    rate = {"training.learning_rate": 0.0031}
    trial = TrialRecord(trial=1, values=rate, epoch=(1,), val_loss=(0.5,), status="finished")
    identity = {"study": "tagger", "model": "feedforward", "digest": "d" * 64, "order": "in memory"}
    record = SearchRecord(**identity, space={}, trials=(trial,), files={"trials.csv": digest})
    write_search(place / "search.json", record)
    publish_text(place / "best.yaml", yaml.safe_dump(with_checksum({"values": {"training.learning_rate": 0.0031}})))
    write_report(workflow, studies, folder, tmp_path / "report")
    path = place / damaged
    path.write_text(path.read_text().replace("0.0031", "0.0032"))
    with pytest.raises(UserError, match=rf"{damaged}: .*changed or damaged; run `bevatron search tagger feedforward"):
        write_report(workflow, studies, folder, tmp_path / "report")


def test_report_without_raw_shards_and_searches_plot(copied, tmp_path, write_report):
    """Raw shards may have been deleted to save space."""
    workflow, studies, folder = copied
    shutil.rmtree(folder / "curve" / "raw")
    write_report(workflow.model_copy(update={"studies": ["curve"]}), studies[:1], folder, tmp_path / "report")
    assert "simulate" not in (tmp_path / "report" / "curve" / "tables" / "curve_timings.csv").read_text()


def test_words_of_a_study_are_no_markup(results, tmp_path, write_report):
    workflow, studies, folder = results
    claim = studies[0].claims[0].model_copy(update={"statement": "<script>alert(1)</script> p < 0.05 & more"})
    study = studies[0].model_copy(update={"claims": [claim]})
    write_report(workflow, [study], folder, tmp_path)
    for path in (tmp_path / "index.html", tmp_path / study.name / "index.html"):
        assert "<script>" not in path.read_text()
        assert "p &lt; 0.05 &amp; more" in path.read_text()


def test_search_values_are_put_into_the_model(results):
    _, studies, folder = results
    found = read_study(studies[1], folder).models["feedforward"]
    assert found.model.training.learning_rate == 0.0031
