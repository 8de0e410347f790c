"""A lesson as a Jupyter notebook: text, the figures and verdicts of the user's results, exercises, worked answers."""

import os
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bevatron.config.loading.load_lessons import Lesson
from bevatron.config.sections.course import Course
from bevatron.errors import UserError
from bevatron.regular_files import is_file
from bevatron.report.course.lesson_text import LessonPart, blocks_of, divide_lesson
from bevatron.store.files.publish import publish_text

FIGURE = re.compile(r"^!\[(.*?)\]\(([^)]+)\)$", re.M | re.S)
CLAIMS = """\
import pandas as pd

import bevatron

pd.set_option("display.max_colwidth", None)
"""


def write_notebooks(course: Course, lessons: Sequence[Lesson], report: Path, output: Path, overwrite: bool) -> None:
    """Publish `<lesson>.ipynb` of each lesson in the folder `output`; report: the report's folder.

    Raises UserError where a notebook is there and another one, unless `overwrite`, before any is written.
    """
    relative = quote(Path(os.path.relpath(report.absolute(), output.absolute())).as_posix())
    texts = {output / f"{lesson.name}.ipynb": lesson_notebook(course, lesson, relative) for lesson in lessons}
    for path, text in texts.items():
        if not overwrite and is_file(path) and path.read_bytes() != text.encode():
            todo = "name another folder, or replace all with --overwrite"
            raise UserError(path, "is there already, and was changed or written from another lesson", todo)
    for path, text in texts.items():
        publish_text(path, text)


def lesson_notebook(course: Course, lesson: Lesson, report: str) -> str:
    """The notebook as JSON text, without outputs; equal lessons give equal texts.

    report: the path of the report's folder from that of the notebook, for its figures. Answers are in a section of
    their own at the end, which is collapsed. Raises UserError for a lesson that is not well formed.
    """
    text = divide_lesson(lesson)
    cells: list[Any] = [new_markdown_cell(_opening(course, lesson))]
    cells += [cell for part in text.explanation for cell in _cells(part, report, "##")]
    cells += [new_markdown_cell(_measured(course, lesson)), *_claim_cells(course, lesson)]
    cells += _cells(LessonPart("Exercises", text.setup), report, "##")
    for number, part in enumerate(text.exercises, 1):
        cells += _cells(LessonPart(f"{number}. {part.title}", part.text), report, "###", fold_quotes=True)
    heading = new_markdown_cell("## Worked answers\n\nTry the exercises first: open this section afterwards.")
    heading.metadata["jp-MarkdownHeadingCollapsed"] = True
    cells.append(heading)
    for number, part in enumerate(text.answers, 1):
        cells += [
            _hide(cell) for cell in _cells(LessonPart(f"Answer {number}. {part.title}", part.text), report, "###")
        ]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"  # nbformat draws them at random
    notebook = new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    return nbformat.writes(notebook) + "\n"


def _opening(course: Course, lesson: Lesson) -> str:
    return (
        f"# {lesson.number}. {lesson.head.title}\n\n{lesson.head.summary}\n\n"
        f"A lesson on topics of {course.author}, *{course.title}* ({course.year}). It shows the results of your own "
        f"studies, as the workflow has made them (`make demo`). A figure that is not shown belongs to a study that has "
        f"not run. The page to print is `results/report/course/{lesson.name}.html`."
    )


def _measured(course: Course, lesson: Lesson) -> str:
    items = [item for chapter in course.chapters for item in chapter.items if item.topic in lesson.head.topics]
    lines = [f"- **{item.topic}.** {item.says}" for item in items]
    return "## What the lectures say, and what was measured here\n\n" + "\n".join(lines)


def _claim_cells(course: Course, lesson: Lesson) -> list[Any]:
    names = [
        name.split(".")
        for chapter in course.chapters
        for item in chapter.items
        if item.topic in lesson.head.topics
        for name in item.claims
    ]
    studies = dict.fromkeys(study for study, _ in names)
    cells = []
    for study in studies:
        ids = list(dict.fromkeys(claim for name, claim in names if name == study))
        rows = "".join(f'    "{claim}",\n' for claim in ids)
        code = f'claims = bevatron.claims("{study}")\nclaims.loc[[\n{rows}], ["verdict", "statement", "measured"]]'
        cells.append(new_code_cell(code if cells else f"{CLAIMS}\n{code}"))
    return cells


def _cells(part: LessonPart, report: str, level: str, fold_quotes: bool = False) -> list[Any]:
    """The cells of a part: neighbouring text is one cell, and so is each block of code."""
    blocks = [("text", f"{level} {part.title}")] if part.title else []
    for kind, text in blocks_of(part.text):
        if kind == "quote":
            quoted = "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
            folded = f"<details><summary>Hint</summary>\n\n{text}\n\n</details>"
            blocks.append(("text", folded if fold_quotes else quoted))
        else:
            blocks.append((kind, text))
    cells = []
    for kind, group in groupby(blocks, lambda block: block[0]):
        texts = [text for _, text in group]
        if kind == "code":
            cells += [new_code_cell(text) for text in texts]
        else:
            cells.append(new_markdown_cell(_with_figures("\n\n".join(texts), report)))
    return cells


def _with_figures(text: str, report: str) -> str:
    """Figures are shown from the report's folder, with their captions below: alt texts are not shown, nor set."""
    return FIGURE.sub(lambda match: f"![figure]({report}/{match[2]})\n\n*Figure.* {match[1]}", text)


def _hide(cell: Any) -> Any:
    if cell.cell_type == "code":
        cell.metadata["jupyter"] = {"source_hidden": True}
        cell.metadata["tags"] = ["answer"]
    return cell
