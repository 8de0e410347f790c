"""Reading the lessons of a course: Markdown files with a head in YAML, which together have every topic once."""

from dataclasses import dataclass
from pathlib import Path

from bevatron.config.loading.load import parse_mapping, validate_section
from bevatron.config.loading.yaml_text import YAML_BYTES
from bevatron.config.sections.course import Course
from bevatron.config.sections.lesson import LessonHead
from bevatron.errors import ConfigurationError, UserError
from bevatron.near_names import did_you_mean
from bevatron.regular_files import read_text

LINE = "---"
INDEX = "index"  # the page of all lessons
FOLDER = "course"  # of the lessons' pages, beside the folders of the studies' pages


@dataclass(frozen=True)
class Lesson:
    """One lesson: its number from 1, its name (that of its file), its head, and its text without the head."""

    number: int
    name: str
    head: LessonHead
    text: str
    path: Path


def load_lessons(course_path: Path, course: Course) -> list[Lesson]:
    """The lessons of a course, in their order; none where it has none.

    course_path: the course's file, to which the lessons' paths are relative. Raises UserError for a file that is
    missing or has no head, and ConfigurationError, a line each, for topics that the course does not have, and for
    those that are in no lesson or in several.
    """
    lessons = [_read_lesson(course_path.parent / file, n) for n, file in enumerate(course.lessons, 1)]
    if lines := _name_errors(course_path, lessons) or (_topic_errors(course_path, course, lessons) if lessons else []):
        raise ConfigurationError(lines)
    return lessons


def _read_lesson(path: Path, number: int) -> Lesson:
    try:
        text = read_text(path, YAML_BYTES).replace("\r\n", "\n")
    except FileNotFoundError:
        raise UserError(path, "no such file", "write the lesson, or take it out of the course's 'lessons'") from None
    except UnicodeDecodeError as error:
        raise UserError(path, f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    first, _, rest = text.partition("\n")
    head, end, body = rest.partition(f"\n{LINE}\n")
    if first != LINE or not end:
        raise UserError(path, "has no head", "begin with title, summary and topics in YAML between two lines '---'")
    # The line break counts for the first line, so that errors name the file's own lines.
    return Lesson(number, path.stem, validate_section(LessonHead, parse_mapping(f"\n{head}", path), path), body, path)


def _name_errors(course_path: Path, lessons: list[Lesson]) -> list[str]:
    names = [lesson.name for lesson in lessons]
    lines = [
        f"{course_path}: lessons: two files are named '{n}.md'" for n in dict.fromkeys(names) if names.count(n) > 1
    ]
    return lines + [
        f"{course_path}: lessons: '{n}.md' is the name of the page of all lessons" for n in names if n == INDEX
    ]


def _topic_errors(course_path: Path, course: Course, lessons: list[Lesson]) -> list[str]:
    known = course.topics()
    lessons_of: dict[str, list[str]] = {topic: [] for topic in known}
    lines = [f"{course_path}: two topics are named '{t}'" for t in lessons_of if known.count(t) > 1]
    for lesson in lessons:
        for topic in lesson.head.topics:
            if topic in lessons_of:
                lessons_of[topic].append(lesson.name)
            else:
                lines.append(f"{lesson.path}: topics: the course has no topic '{topic}'{did_you_mean(topic, known)}")
    for topic, names in lessons_of.items():
        if not names:
            lines.append(f"{course_path}: topic '{topic}' is in no lesson; add it to the topics of one")
        elif len(names) > 1:
            lines.append(f"{course_path}: topic '{topic}' is in the lessons {', '.join(names)}; leave it in one")
    return lines
