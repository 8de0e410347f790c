"""YAML from anybody builds plain values alone, and a few lines cannot fill the memory."""

import datetime
import tracemalloc

import pytest
import yaml

from bevatron.config.loading.load import read_yaml
from bevatron.config.loading.yaml_text import MOST_VALUES, parse_yaml
from bevatron.errors import UserError

LAUGHS = "\n".join(["l0: &l0 [lol, lol]", *(f"l{k}: &l{k} [{', '.join([f'*l{k - 1}'] * 10)}]" for k in range(1, 10))])
MERGES = "\n".join(
    ["l0: &l0 {a: 1, b: 2}", *(f"l{k}: &l{k} {{<<: [{', '.join([f'*l{k - 1}'] * 10)}]}}" for k in range(1, 10))]
)


@pytest.mark.parametrize(
    "text",
    ["", "a: 1\nb: [x, 2.5, null, true]", "base: &b {x: 1}\nmore: {<<: *b, y: 2}", "when: 2026-11-22", "- 1\n- {a: b}"],
)
def test_ordinary_documents_are_what_the_safe_loader_says(text):
    assert parse_yaml(text) == yaml.safe_load(text)


def test_shared_anchors_are_allowed_as_long_as_they_are_few():
    assert parse_yaml("a: &a [1, 2]\nb: [*a, *a]")["b"] == [[1, 2], [1, 2]]
    assert parse_yaml("day: 2026-11-22")["day"] == datetime.date(2026, 11, 22)


@pytest.mark.parametrize("text", [LAUGHS, MERGES], ids=["lists", "merge keys"])
def test_billions_of_values_from_ten_lines_are_refused_before_they_are_built(text):
    assert len(text) < 1_000
    tracemalloc.start()
    try:
        with pytest.raises(yaml.YAMLError, match=f"more than {MOST_VALUES:,} values"):
            parse_yaml(text)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5e6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x: !!python/object/apply:os.system ['touch owned']", "could not determine a constructor"),
        ("x: !!python/name:os.system", "could not determine a constructor"),
        ("a: 1\nb: &b [1, *b]", "an anchor holds itself"),
        ("[" * 5_000, "nested too deeply"),
        ("x: \0", "is not allowed"),
        ("x: 2026-13-45", "month must be in 1..12"),
        ("x: [1, 2", "expected ',' or ']'"),
        ('title: "a\\e[31mb"', "study.yaml:1:8: is not YAML: its text holds U+001B"),
        ('a: 1\nx: {"\\0": 1}', "study.yaml:2:5: is not YAML: its text holds U+0000"),
        ('x: "\\ud83d"', "its text holds U+D83D"),
        ("x: !!binary AA==", "no !!binary"),
    ],
)
def test_what_a_study_s_file_must_not_hold_is_one_line(text, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_yaml(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("word", ["true", "True", "FALSE", "1e3", "1_000", "12", "-1.5e-3", "~", "null"])
@pytest.mark.parametrize("rest", ["_energy", "x", "-ish", ".5x"])
def test_a_name_that_begins_like_another_type_is_a_text(word, rest):
    assert parse_yaml(f"{{a{word}: {word}{rest}}}") == {f"a{word}": f"{word}{rest}"}
    assert parse_yaml(f"{word}{rest}: 1") == {f"{word}{rest}": 1}
