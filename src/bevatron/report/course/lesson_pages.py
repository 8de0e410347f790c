"""The printable pages of a course: one for each lesson, and the index from topics to lessons, studies and claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from bevatron.config.loading.load_lessons import FOLDER, INDEX, Lesson
from bevatron.config.sections.course import Course
from bevatron.errors import UserError
from bevatron.regular_files import is_file
from bevatron.report.course.lesson_html import LessonHtml
from bevatron.report.course.lesson_text import LessonPart, blocks_of, divide_lesson
from bevatron.report.ledger.course_index import NOT_RUN, IndexRow
from bevatron.report.ledger.reported import ReportedStudy
from bevatron.report.page.render import render_template

EXPLORE = "explore.html"  # a study's interactive page
LONG = 400  # letters of the numbers of a claim that a lesson shows; the study's page has all


@dataclass(frozen=True)
class Exercise:
    """An exercise as its page shows it; hints apart, so that they can be placed below."""

    title: str
    body: Markup
    hints: Markup


@dataclass(frozen=True)
class LessonStudy:
    """A study whose claims belong to a lesson, as far as it has results. note: what limits its verdicts."""

    name: str
    title: str
    has_page: bool
    has_explore: bool
    note: str


def render_course(
    course: Course,
    lessons: Sequence[Lesson],
    rows: list[IndexRow],
    studies: list[ReportedStudy],
    scale: str,
    report: Path,
) -> dict[str, bytes]:
    """The pages by their path in `report`, the report's folder, which has the studies' pages and plots.

    rows: the index of the course, with lessons. Each page is one text that needs no other file and no network; what
    studies without results would show is named. Raises UserError for a lesson that is not well formed.
    """
    if any(study.name == FOLDER for study in studies):
        raise UserError(FOLDER, "a study has the name of the folder of the lessons' pages", "give it another name")
    named = {study.name: study for study in studies}
    of_lesson = {lesson.name: [row for row in rows if row.lesson == lesson.name] for lesson in lessons}
    studies_of = {
        name: [
            _study(report, named.get(study), study, scale)
            for study in dict.fromkeys(study for row in of_lesson[name] for study in row.studies)
        ]
        for name in of_lesson
    }
    pages = {
        lesson.name: _render_lesson(
            course, lessons, lesson, of_lesson[lesson.name], studies_of[lesson.name], scale, report
        )
        for lesson in lessons
    }
    pages[INDEX] = render_template(
        "course.html.j2",
        course=course,
        lessons=lessons,
        titles={lesson.name: lesson.head.title for lesson in lessons},
        rows=rows,
        studies_of=studies_of,
        verdicts_of={name: _verdicts(of_lesson[name]) for name in of_lesson},
        scale=scale,
    )
    return {f"{FOLDER}/{name}.html": page.encode() for name, page in pages.items()}


def _render_lesson(
    course: Course,
    lessons: Sequence[Lesson],
    lesson: Lesson,
    rows: list[IndexRow],
    studies: list[LessonStudy],
    scale: str,
    report: Path,
) -> str:
    text = divide_lesson(lesson)
    html = LessonHtml(report, lesson.path)
    return render_template(
        "lesson.html.j2",
        course=course,
        lessons=lessons,
        lesson=lesson,
        sections=[(part.title, html.render(part.text)) for part in text.explanation],
        exercises=[_exercise(part, html) for part in text.exercises],
        rows=rows,
        studies=studies,
        scale=scale,
        LONG=LONG,
    )


def _exercise(part: LessonPart, html: LessonHtml) -> Exercise:
    blocks = blocks_of(part.text)
    body = "\n\n".join(
        f"```python\n{text}\n```" if kind == "code" else text for kind, text in blocks if kind != "quote"
    )
    hints = "\n\n".join(text for kind, text in blocks if kind == "quote")
    return Exercise(part.title, html.render(body), html.render(hints))


def _study(report: Path, study: ReportedStudy | None, name: str, scale: str) -> LessonStudy:
    if study is None or study.record is None:
        return LessonStudy(name, name, False, False, "no results here" if study is None else study.state)
    note = study.state
    if not note and not study.counts_at(scale):
        note = f"at scale {study.record.scale}" if study.configured else "not part of the configuration"
    return LessonStudy(name, study.title, True, is_file(report / name / EXPLORE), note)


def _verdicts(rows: list[IndexRow]) -> list[tuple[str, int]]:
    """How many claims of a lesson have each verdict, those that were not run last; each claim counts once."""
    verdicts = {(test.study, test.id): test.verdict for row in rows for test in row.tested_by}
    counts = {verdict: list(verdicts.values()).count(verdict) for verdict in verdicts.values()}
    return sorted(counts.items(), key=lambda item: (item[0] == NOT_RUN, -item[1], item[0]))
