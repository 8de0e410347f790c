"""The lessons: their pages are whole with all, some or no results, and show what belongs to them and nothing else."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import bevatron
from bevatron.config.loading.load_course import load_course
from bevatron.config.loading.load_lessons import Lesson, load_lessons
from bevatron.config.sections.course import Course
from bevatron.config.sections.lesson import LessonHead
from bevatron.errors import UserError
from bevatron.report.course.formula import formula_svg
from bevatron.report.course.lesson_html import LessonHtml
from bevatron.report.course.lesson_pages import render_course
from bevatron.report.course.lesson_text import divide_lesson
from bevatron.report.ledger.course_index import index_course
from bevatron.report.ledger.reported import ReportedStudy
from bevatron.report.page.render import anchor_of
from bevatron.report.stage import write_ledger

LECTURES = Path(__file__).parents[2] / "config" / "lectures.yaml"
COURSE = Course.model_validate({
    "title": "Curves & tags", "author": "A. Nonymous", "year": 2020, "place": "nowhere",
    "lessons": ["curves.md", "tags.md"],
    "chapters": [
        {"title": "Curves", "items": [
            {"topic": "fits", "says": "Long trainings fit.", "claims": ["curve.long_fits", "curve.as_quick"]},
            {"topic": "others <b>", "says": "What nobody runs.", "claims": ["elsewhere.anything"]},
        ]},
        {"title": "Tags", "items": [{"topic": "cuts", "says": "Networks win.", "claims": ["tagger.beats_cut"]}]},
    ],
})  # fmt: skip
TEXT = """\
Intro <script>alert(1)</script> of $x^2$ for 5 $ and 6 $.

![The *fits* of $x$.](curve/plots/curve-fits.svg)

![Nothing yet.](elsewhere/plots/elsewhere-any.svg)

## Exercises

### Try

Do it.

> So.

```python
1 + 1
```

## Answers

### Try

Done.
"""


def lesson(text: str = TEXT, topics: tuple[str, ...] = ("fits", "others <b>"), number: int = 1, name: str = "curves"):
    head = LessonHead(title=f"On {name}", summary="Short.", topics=list(topics))
    return Lesson(number, name, head, text, Path(f"{name}.md"))


LESSONS = [lesson(), lesson(topics=("cuts",), number=2, name="tags")]


class Links(HTMLParser):
    """All ids, links and sources of a page, and whether every element is closed in its place."""

    VOID = ("meta", "link", "img", "br", "hr", "input")

    def __init__(self, text: str):
        super().__init__()
        self.ids, self.links, self.sources, self.open = set(), [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.add(found.get("id"))
        self.links += [found["href"]] if "href" in found else []
        self.sources += [found["src"]] if "src" in found else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def folder(results, write_report, tmp_path_factory):
    workflow, studies, root = results
    output = tmp_path_factory.mktemp("report")
    write_report(workflow, studies, root, output)
    assert (output / "curve" / "explore.html").is_file()
    (output / "tagger" / "explore.html").unlink()
    by_name = {study.name: study for study in studies}
    arguments = ("demo", list(by_name), workflow.studies, lambda name, _: by_name[name], root, output)
    write_ledger(*arguments, course=COURSE, lessons=LESSONS)
    return output


def test_every_link_of_a_page_leads_somewhere(folder):
    pages = {path.name: Links(path.read_text()) for path in (folder / "course").glob("*.html")}
    assert set(pages) == {"index.html", "curves.html", "tags.html"}
    pages["../index.html"] = Links((folder / "index.html").read_text())
    checked = 0
    for name, page in pages.items():
        assert all(source.startswith("data:") for source in page.sources)
        for link in page.links:
            target, _, anchor = link.partition("#")
            path = (folder / "course" / name).parent / target if target else folder / "course" / name
            assert path.is_file(), (name, link)
            if anchor:
                assert anchor in Links(path.read_text()).ids, (name, link)
            checked += 1
    assert checked > 30
    assert any(link == "../curve/explore.html" for link in pages["curves.html"].links)
    assert not any("tagger/explore" in link for link in pages["tags.html"].links)


def test_a_lesson_shows_its_topics_claims_figures_and_exercises_without_answers(folder):
    page = (folder / "course" / "curves.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "5 $ and 6 $" in page
    assert page.count('<svg class="formula"') == 2
    assert page.count("<figure") == 1
    assert "the study <b>elsewhere</b> has no results here" in page
    assert re.findall(r'class="chip">([^<]+)<', page) == ["reproduced", "not reproduced", "not run"]
    assert "Ten thousand are." in page
    assert "1. Try" in page
    assert "<b>Hint.</b>" in page
    assert "Done." not in page
    assert "cuts" not in page


def test_the_index_leads_from_every_topic_to_its_lesson(folder):
    text = (folder / "course" / "index.html").read_text()
    for row, name in (("fits", "curves"), ("others <b>", "curves"), ("cuts", "tags")):
        assert f'href="{name}.html#{anchor_of(row)}"' in text
        assert f'href="course/{name}.html#{anchor_of(row)}"' in (folder / "index.html").read_text()


def test_the_verdicts_can_be_read_in_a_notebook(folder, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("studies: [curve]\n")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "report").symlink_to(folder)
    table = bevatron.claims("curve", project=tmp_path)
    assert list(table.index) == ["short_does_not_fit", "long_fits", "as_quick"]
    assert table.loc["long_fits", ["verdict", "statement", "source"]].tolist() == [
        "reproduced", "Ten thousand are.", "Lectures on curves, p. 2",
    ]  # fmt: skip
    assert not table["exact"].any()
    with pytest.raises(UserError, match="bevatron report-study nothing"):
        bevatron.claims("nothing", project=tmp_path)
    with pytest.raises(UserError):
        bevatron.claims("../curve", project=tmp_path)


def test_pages_are_whole_without_any_results(tmp_path):
    rows = index_course(COURSE, [], "demo", LESSONS)
    pages = render_course(COURSE, LESSONS, rows, [], "demo", tmp_path)
    text = pages["course/curves.html"].decode()
    assert text.count("has no results here") >= 2
    assert "<figure" not in text
    for page in pages.values():
        Links(page.decode())


def test_a_study_may_not_have_the_name_of_the_lessons_folder(tmp_path):
    with pytest.raises(UserError, match="another name"):
        render_course(COURSE, LESSONS, [], [ReportedStudy("course", None, "damaged")], "demo", tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Text.", "must end with the sections"),
        ("## Exercises\n\n## Answers\n", "has no exercise"),
        ("## Exercises\n### A\n## Answers\n", "exercise 'A' has no answer"),
        ("## Exercises\n### A\n## Answers\n### B\n", "exercise 'A' has no answer"),
        ("## Exercises\n### A\n## Answers\n### A\n### B\n", "answer 'B' has no exercise"),
    ],
)
def test_a_lesson_that_is_not_well_formed_is_named(text, words):
    with pytest.raises(UserError, match=words) as error:
        divide_lesson(lesson(text))
    assert str(error.value).startswith("curves.md")


def test_a_heading_in_code_divides_nothing():
    text = "```python\n## Exercises\n```\n\n" + TEXT
    assert [part.title for part in divide_lesson(lesson(text)).exercises] == ["Try"]


@pytest.mark.parametrize("text", [r"$\nothing{x}$", r"$$\begin{cases} 1 \end{cases}$$", "$a_$"])
def test_a_formula_that_cannot_be_drawn_is_named(tmp_path, text):
    with pytest.raises(UserError, match=r"lesson\.md: the formula .* cannot be drawn"):
        LessonHtml(tmp_path, Path("lesson.md")).render(text)


@pytest.mark.parametrize("name", ["../secret.svg", "/etc/passwd", ".hidden/a.svg", "a/b.html"])
def test_a_figure_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(UserError):
        LessonHtml(tmp_path, Path("lesson.md")).render(f"![x]({name})")


def test_a_formula_has_the_size_of_its_text():
    def numbers(svg: str) -> list[float]:
        return [float(n) for n in re.findall(r"(?:width|height|align):(-?[\d.]+)em", svg)]

    x, fraction = numbers(formula_svg("x")), numbers(formula_svg(r"\frac{x}{y}"))
    assert 0.2 < x[1] < 0.8  # an x is about half an em high
    assert x[2] > -0.05  # and stands on the line
    assert fraction[2] < -0.1  # which a fraction goes below
    assert 'aria-label="a&lt;b"' in formula_svg("a<b")


def test_the_lessons_of_the_lectures_can_be_drawn(tmp_path):
    """Every formula, and the division into exercises and answers; without results all figures are named as missing."""
    course = load_course(LECTURES)
    lessons = load_lessons(LECTURES, course)
    rows = index_course(course, [], "demo", lessons)
    pages = render_course(course, lessons, rows, [], "demo", tmp_path)
    assert len(lessons) == 10
    assert len(pages) == 11
    index = pages["course/index.html"].decode()
    for row in rows:
        assert row.lesson
        page = pages[f"course/{row.lesson}.html"].decode()
        assert f'id="{anchor_of(row.topic)}"' in page
        assert f'{row.lesson}.html#{anchor_of(row.topic)}"' in index
        assert all(f">{study}<" in page or f"<b>{study}</b>" in page for study in row.studies)
    for one in lessons:
        assert 3 <= len(divide_lesson(one).exercises) <= 5
        assert "<figure" not in pages[f"course/{one.name}.html"].decode()
