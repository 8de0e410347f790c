"""The command that writes the notebooks of the course."""

from pathlib import Path
from typing import Annotated

import typer

from bevatron.commands.options import DEFAULT_CONFIG, DEFAULT_RESULTS, Config, Results
from bevatron.errors import UserError


def course_notebooks(
    output: Annotated[Path, typer.Option(help="folder to write")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace notebooks that were changed")] = False,
    results: Results = DEFAULT_RESULTS,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Write a notebook of each lesson of the course into the folder --output; they read the results when they run."""
    from bevatron.config.loading.load import load_workflow
    from bevatron.config.loading.load_course import course_path, load_course
    from bevatron.config.loading.load_lessons import load_lessons

    path = course_path(load_workflow(config), config)
    course = load_course(path) if path else None
    lessons = load_lessons(path, course) if path and course else []
    if not course or not lessons:
        raise UserError(path or config, "has no lessons", "name a course with the key 'lessons'")
    from bevatron.report.course.notebook import write_notebooks

    write_notebooks(course, lessons, results / "report", output, overwrite)
    print(f"{output}: {len(lessons)} notebooks")


COMMANDS = (course_notebooks,)
