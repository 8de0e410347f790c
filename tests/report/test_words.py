"""Words of a study's file are words in the report, wherever they stand: never markup, never a script."""

import copy
from html.parser import HTMLParser

import pytest
import yaml

from bevatron.config.study import Study
from bevatron.report.stage import write_report

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
def test_a_script_in_every_text_of_a_study_stays_text(number, results, tmp_path):
    workflow, studies, folder = results
    study = Study.model_validate(tree_with_scripts(studies[number]))
    write_report(workflow.model_copy(update={"studies": [study.name]}), [study], folder, tmp_path)
    page = Page((tmp_path / "index.html").read_text())
    assert not {"script", "iframe", "object", "embed", "form"} & set(page.elements)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    links = [value for name, value in page.attributes if name in ("href", "src")]
    assert all(value.startswith(("#", "data:image/")) for value in links)
    assert sum(SCRIPT in words for words in page.words) >= 4
