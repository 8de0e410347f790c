"""Reading the index of a course, and checking that the claims that it names exist."""

from pathlib import Path

from bevatron.config.loading.load import load_study, load_workflow, read_yaml, validate_section
from bevatron.config.loading.load_lessons import FOLDER, load_lessons
from bevatron.config.sections.course import Course
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import ConfigurationError, UserError
from bevatron.near_names import did_you_mean
from bevatron.regular_files import is_file


def course_path(workflow: Workflow, config: Path) -> Path | None:
    """The file of the course that `config`, the workflow's file, names; None where it names none."""
    return None if workflow.course is None else config.parent / workflow.course


def load_course(path: Path) -> Course:
    """The index in a file; raises UserError as for other files of the configuration."""
    if not path.exists():
        raise UserError(path, "is missing", "write it, or take the key 'course' out of config.yaml")
    return validate_section(Course, read_yaml(path), path)


def find_course_errors(config: Path) -> list[str]:
    """What is wrong with the index that the workflow's file names, a line each: also claims that no study has, and
    topics without a lesson, where there are lessons.
    """
    folder = config.parent / "studies"
    try:
        path = course_path(load_workflow(config), config)
        return [] if path is None else _unknown_claims(path, folder) + _lesson_errors(path, folder)
    except ConfigurationError as error:
        return list(error.lines)
    except UserError as error:
        return [str(error)]


def _unknown_claims(path: Path, folder: Path) -> list[str]:
    lines: list[str] = []
    known: dict[str, list[str]] = {}
    for study, claim in load_course(path).claims():
        if study not in known and is_file(folder / f"{study}.yaml"):
            known[study] = [c.id for c in load_study(study, "paper", folder).claims]
        if study not in known:
            lines.append(f"{path}: {study}.{claim}: there is no study '{study}' in {folder}")
        elif claim not in known[study]:
            lines.append(f"{path}: {study}.{claim}: the study has no such claim{did_you_mean(claim, known[study])}")
    return lines


def _lesson_errors(path: Path, folder: Path) -> list[str]:
    try:
        lessons = load_lessons(path, load_course(path))
    except ConfigurationError as error:
        return error.lines
    namesake = folder / f"{FOLDER}.yaml"
    if not lessons or not is_file(namesake):
        return []
    return [f"{namesake}: the report has the lessons' pages in the folder '{FOLDER}'; give the study another name"]
