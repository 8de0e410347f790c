"""Words of a study's file are words in the report, wherever they stand: never markup, never a script."""

import copy
import csv
import io
import json
import shutil
from html.parser import HTMLParser
from random import Random

import pytest
import yaml

from bevatron.config.sections.study import Study
from bevatron.report.provenance.origin import Origin
from bevatron.report.tables.table import Table
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_json

NASTY = [
    r"$\frac{$",
    r"\$5 cost $5 vs $6 {x",
    r"\alpha$ $\unknown{x}$",
    "_hidden",
    "漢字 😀",
    "two\nlines",
    "W" * 500,
    "שלום مرحبا",
    "a\u200bb\u202ec",
    "",
    " ",
    "%s {0} {{x}} [bold]y[/z]",
    "=1+1",
    "same",
    "same",
    "tab\there",
]
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>\" onload='alert(3)' & so on"


class Page(HTMLParser):
    """Collects elements and attributes as a browser would see them."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)


def tree_with_scripts(study) -> dict:
    """The study with the script in every free text of its file."""
    tree = copy.deepcopy(yaml.safe_load(study.model_dump_json()))
    tree["title"] = tree["summary"] = SCRIPT
    tree["references"] = [SCRIPT]
    for model in tree["models"].values():
        model["title"] = SCRIPT
    for claim in tree["claims"]:
        claim["statement"] = claim["source"] = SCRIPT
    for observable in tree["evaluation"]["observables"].values():
        observable["title"] = SCRIPT
    return tree


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1], ids=["regression", "classification"])
def test_a_script_in_every_text_of_a_study_stays_text(number, results, tmp_path, write_report):
    workflow, studies, folder = results
    study = Study.model_validate(tree_with_scripts(studies[number]))
    write_report(workflow.model_copy(update={"studies": [study.name]}), [study], folder, tmp_path)
    for path, texts in ((tmp_path / study.name / "index.html", 4), (tmp_path / "index.html", 3)):
        page = Page(path.read_text())
        assert not {"script", "iframe", "object", "embed", "form"} & set(page.elements)
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        links = [value for name, value in page.attributes if name in ("href", "src")]
        own = {"../index.html", "explore.html", f"{study.name}/index.html"}
        own |= {f"plots/{plot.name}" for plot in (tmp_path / study.name / "plots").iterdir()}
        assert all(value.startswith(("#", "data:image/")) or value in own for value in links)
        assert sum(SCRIPT in words for words in page.words) >= texts


def texts_of(tree: dict) -> list[tuple[dict | list, str | int]]:
    """Where each free text of a study stands."""
    found = [(tree, "title"), (tree, "summary"), *((tree["references"], k) for k in range(len(tree["references"])))]
    found += [(model, "title") for model in tree["models"].values()]
    found += [(claim, key) for claim in tree["claims"] for key in ("statement", "source")]
    return found + [(observable, "title") for observable in tree["evaluation"]["observables"].values()]


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1], ids=["regression", "classification"])
@pytest.mark.parametrize("seed", range(4))
def test_every_text_is_shown_as_it_stands(number, seed, results, tmp_path, told, write_report):
    workflow, studies, folder = results
    tree = yaml.safe_load(studies[number].model_dump_json())
    tree["references"] = ["", ""]
    random, places = Random(seed), texts_of(tree)
    texts = random.sample(NASTY, len(NASTY)) + random.choices(NASTY, k=max(0, len(places) - len(NASTY)))
    for (owner, key), text in zip(places, texts, strict=False):
        owner[key] = text
    study = Study.model_validate(tree)
    shutil.copytree(folder / study.name, tmp_path / study.name)
    path = tmp_path / study.name / "evaluation" / "data.json"
    data = json.loads(path.read_text())
    for name, observable in data["observables"].items():  # `observe` writes the titles there, for the figures
        observable["title"] = study.evaluation.observables[name].title
    publish_json(path, with_checksum({key: value for key, value in data.items() if key != "sha256"}))
    write_report(workflow.model_copy(update={"studies": [study.name]}), [study], tmp_path, tmp_path / "report")
    assert not [record.message for record in told if "could not be made" in record.message]
    html = (tmp_path / "report" / study.name / "index.html").read_text()
    assert "could not be drawn" not in html
    words = " ".join(" ".join(Page(html).words).split())
    for owner, key in places[: len(places) - len(study.evaluation.observables)]:
        assert " ".join(owner[key].split()) in words


def test_no_cell_of_a_table_is_a_formula():
    texts = ["=1+1", "+cmd", "-x", "@SUM(1)", "\ttab", "–", "-1.5", "plain", "1e-3"]
    table = Table("t", "", ("text",), tuple((text,) for text in texts), (Origin("s", "study"),) * len(texts))
    rows = [row for (row,) in csv.reader(io.StringIO(table.to_csv()))][1:]
    assert rows == ["'=1+1", "'+cmd", "'-x", "'@SUM(1)", "'\ttab", "–", "-1.5", "plain", "1e-3"]
    assert [number.text for number in table.numbers()] == ["-1.5", "1e-3"]
