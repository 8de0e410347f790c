"""The lessons of a course have each of its topics once."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from bevatron.config.loading.load_course import find_course_errors, load_course
from bevatron.config.loading.load_lessons import load_lessons
from bevatron.config.sections.course import Course
from bevatron.errors import ConfigurationError, UserError

COURSE = {
    "title": "Curves", "author": "A. Nonymous", "year": 2020, "place": "nowhere", "lessons": ["a.md", "b.md"],
    "chapters": [{"title": "Lines", "items": [
        {"topic": topic, "says": "They rise.", "claims": ["curve.rises"]} for topic in ("one", "two", "three")
    ]}],
}  # fmt: skip


def head(*topics: str) -> str:
    return "---\n" + yaml.safe_dump({"title": "T", "summary": "S.", "topics": list(topics)}) + "---\ntext\n"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "lectures.yaml"
    path.write_text(yaml.safe_dump(COURSE))
    (tmp_path / "a.md").write_text(head("one", "two"))
    (tmp_path / "b.md").write_text(head("three"))
    return path


def errors(path: Path) -> str:
    with pytest.raises(UserError) as error:
        load_lessons(path, load_course(path))
    return str(error.value)


def test_lessons_are_read_in_their_order(path):
    lessons = load_lessons(path, load_course(path))
    assert [(one.number, one.name, one.head.topics) for one in lessons] == [
        (1, "a", ["one", "two"]),
        (2, "b", ["three"]),
    ]
    assert lessons[0].text == "text\n"


def test_a_course_without_lessons_has_none(path):
    path.write_text(yaml.safe_dump(COURSE | {"lessons": []}))
    assert load_lessons(path, load_course(path)) == []


def test_windows_line_ends_are_taken(path):
    (path.parent / "b.md").write_bytes(head("three").replace("\n", "\r\n").encode())
    assert load_lessons(path, load_course(path))[1].text == "text\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (head("one", "three"), "topic 'one' is in the lessons a, b"),
        (head("thre"), "the course has no topic 'thre' (did you mean 'three'?)"),
        ("text", "b.md: has no head"),
        ("---\ntitle: T\n", "b.md: has no head"),
        ("---\ntitle: T\n  x: [\n---\n", "b.md:3"),
        ("---\ntitle: T\nsummary: S.\ntopics: [three]\nmore: 1\n---\n", "more"),
        ("---\ntitle: T\nsummary: S.\ntopics: []\n---\n", "topics"),
        ("---\n- 1\n---\n", "expected a mapping"),
        (b"---\n\xff\n---\n", "is not UTF-8"),
        (None, "b.md: no such file"),
    ],
)
def test_what_is_wrong_is_named(path, content, words):
    file = path.parent / "b.md"
    file.unlink()
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert words in errors(path)


def test_a_topic_of_no_lesson_and_two_equal_names_are_named(path):
    (path.parent / "a.md").write_text(head("one"))
    assert "topic 'two' is in no lesson" in errors(path)
    (path.parent / "x").mkdir()
    (path.parent / "x" / "a.md").write_text(head("two"))
    path.write_text(yaml.safe_dump(COURSE | {"lessons": ["a.md", "b.md", "x/a.md"]}))
    assert "two files are named 'a.md'" in errors(path)


def test_a_lesson_may_not_be_named_as_the_index(path):
    (path.parent / "index.md").write_text(head("three"))
    path.write_text(yaml.safe_dump(COURSE | {"lessons": ["a.md", "index.md"]}))
    assert "page of all lessons" in errors(path)


@pytest.mark.parametrize("name", ["../a.md", "/a.md", "a.txt", "A.md", "a b.md", ".a.md", "x/../a.md"])
def test_a_lesson_s_file_has_a_plain_name_below_the_course(name):
    with pytest.raises(ValidationError):
        Course.model_validate(COURSE | {"lessons": [name]})


def test_validate_names_errors_of_lessons(path):
    config = path.parent / "config.yaml"
    config.write_text(yaml.safe_dump({"studies": ["curve"], "course": "lectures.yaml"}))
    (path.parent / "b.md").write_text(head("one"))
    lines = find_course_errors(config)
    assert any("topic 'three' is in no lesson" in line for line in lines)
    with pytest.raises(ConfigurationError):
        load_lessons(path, load_course(path))


def test_validate_refuses_a_study_with_the_name_of_the_lessons_folder(path):
    config = path.parent / "config.yaml"
    config.write_text(yaml.safe_dump({"studies": ["curve"], "course": "lectures.yaml"}))
    (path.parent / "studies").mkdir()
    (path.parent / "studies" / "course.yaml").write_text("")
    assert any("give the study another name" in line for line in find_course_errors(config))
