"""The course in the ledger: every topic with the claims that test it and their verdicts."""

import csv
import io
import re

import pytest

from bevatron.config.sections.course import Course
from bevatron.report.ledger.course_index import index_course, index_table
from bevatron.report.page.render import render_ledger
from bevatron.report.stage import write_ledger

COURSE = Course.model_validate({
    "title": "Curves & tags", "author": "A. Nonymous", "year": 2020, "place": "nowhere",
    "chapters": [
        {"title": "Curves", "items": [
            {"topic": "fits", "says": "Long trainings fit.", "claims": ["curve.long_fits", "curve.as_quick"]},
            {"topic": "others", "says": "What nobody runs.", "claims": ["elsewhere.anything"]},
        ]},
        {"title": "Tags", "items": [{"topic": "cuts", "says": "Networks win.", "claims": ["tagger.beats_cut"]}]},
    ],
})  # fmt: skip


@pytest.fixture(scope="module")
def folder(results, write_report, tmp_path_factory):
    workflow, studies, root = results
    output = tmp_path_factory.mktemp("report")
    write_report(workflow, studies, root, output)
    by_name = {study.name: study for study in studies}
    write_ledger("demo", list(by_name), workflow.studies, lambda name, _: by_name[name], root, output, course=COURSE)
    return output


def test_every_topic_has_its_claims_with_their_verdicts(folder):
    page = (folder / "index.html").read_text()
    assert "Curves &amp; tags" in page
    section = page[page.index('id="course"') :]
    verdicts = re.findall(
        r'href="(\w+)/index.html#claim-\1-(\w+)"[^>]*>[^<]*</a> <span class="chip">([\w ]+)<', section
    )
    assert verdicts == [("curve", "long_fits", "reproduced"), ("curve", "as_quick", "not reproduced"),
                        ("tagger", "beats_cut", "reproduced")]  # fmt: skip
    assert section.count(">not run<") == 1
    with (folder / "tables" / "course.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["claim"] for row in rows] == ["long_fits", "as_quick", "anything", "beats_cut"]
    assert [row["verdict"] for row in rows] == ["reproduced", "not reproduced", "not run", "reproduced"]


def test_a_ledger_without_a_course_has_no_index():
    assert 'id="course"' not in render_ledger([], "demo", {})


def test_an_index_of_nothing_that_ran_is_still_whole():
    rows = index_course(COURSE, [], "demo")
    assert [row.topic for row in rows] == ["fits", "others", "cuts"]
    assert all(test.verdict == "not run" for row in rows for test in row.tested_by)
    assert len(list(csv.reader(io.StringIO(index_table(rows).to_csv())))) == 5
