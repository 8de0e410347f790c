"""The parts of a lesson's text: the explanation, the exercises with their hints, and the worked answers."""

from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bevatron.config.loading.load_lessons import Lesson
from bevatron.errors import UserError

EXERCISES, ANSWERS = "Exercises", "Answers"
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class LessonPart:
    """A heading, and the Markdown below it."""

    title: str
    text: str


@dataclass(frozen=True)
class LessonText:
    """A lesson's text in its parts.

    explanation: sections with their headings, the first of which may have none. setup: what precedes the exercises,
    code that all of them need. answers: one for each exercise, with its title and in its order.
    """

    explanation: list[LessonPart]
    setup: str
    exercises: list[LessonPart]
    answers: list[LessonPart]


def divide_lesson(lesson: Lesson) -> LessonText:
    """The parts of a lesson; raises UserError where there are no exercises, or other answers than exercises."""
    sections = split_at(lesson.text, "h2")
    titles = [section.title for section in sections]
    if titles[-2:] != [EXERCISES, ANSWERS]:
        raise UserError(lesson.path, f"must end with the sections '## {EXERCISES}' and '## {ANSWERS}'")
    setup, *exercises = split_at(sections[-2].text, "h3", whole=True)
    _, *answers = split_at(sections[-1].text, "h3", whole=True)
    if not exercises:
        raise UserError(lesson.path, f"has no exercise; begin each one with '### ' in the section '{EXERCISES}'")
    for exercise, answer in zip([e.title for e in exercises], [a.title for a in answers] + [""] * 99, strict=False):
        if exercise != answer:
            raise UserError(lesson.path, f"exercise '{exercise}' has no answer in its place", f"found '{answer}'")
    if len(answers) > len(exercises):
        raise UserError(lesson.path, f"answer '{answers[len(exercises)].title}' has no exercise")
    return LessonText(sections[:-2], setup.text, exercises, answers)


def split_at(text: str, tag: str, whole: bool = False) -> list[LessonPart]:
    """The text cut before each heading of a level ("h2", "h3"); what precedes the first one has the title ''.

    whole: keep an empty first part.
    """
    lines = text.split("\n")
    parts, title, start = [], "", 0
    tokens = MARKDOWN.parse(text)
    for position, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == tag and token.level == 0:
            first, end = _lines_of(token)
            parts.append(LessonPart(title, "\n".join(lines[start:first]).strip("\n")))
            title, start = tokens[position + 1].content, end
    parts.append(LessonPart(title, "\n".join(lines[start:]).strip("\n")))
    return parts if whole or parts[0].text else parts[1:]


def blocks_of(text: str) -> list[tuple[str, str]]:
    """The blocks at the top of a Markdown text, in their order: kind ("code", "quote" or "text") and text.

    Code is what fences of Python hold. Neighbouring blocks of text are one.
    """
    lines = text.split("\n")
    blocks: list[tuple[str, str]] = []
    for token in MARKDOWN.parse(text):
        if token.level or token.nesting < 0 or token.map is None:
            continue
        first, end = _lines_of(token)
        if token.type == "fence" and token.info.strip() == "python":
            blocks.append(("code", token.content.rstrip("\n")))
        elif token.type == "blockquote_open":
            quoted = [line.removeprefix(">").removeprefix(" ") for line in lines[first:end]]
            blocks.append(("quote", "\n".join(quoted).strip("\n")))
        else:
            block = "\n".join(lines[first:end]).rstrip("\n")
            if blocks and blocks[-1][0] == "text":
                block = f"{blocks.pop()[1]}\n\n{block}"
            blocks.append(("text", block))
    return blocks


def _lines_of(token: Token) -> tuple[int, int]:
    assert token.map is not None  # of a block
    return token.map[0], token.map[1]
