"""The index of a course: every claim that it names exists."""

from pathlib import Path

import pytest
import yaml

from bevatron.config.loading.load_course import find_course_errors, load_course
from bevatron.errors import UserError

COURSE = {
    "title": "Curves", "author": "A. Nonymous", "year": 2020, "place": "nowhere",
    "chapters": [{"title": "Lines", "items": [{"topic": "slopes", "says": "They rise.", "claims": ["curve.rises"]}]}],
}  # fmt: skip
STUDY = {
    "name": "curve", "title": "A parabola", "summary": "A short one.",
    "simulation": {"source": {"kind": "function"}},
    "dataset": {"recipe": {"kind": "function", "noise": {"y": 5.0}}},
    "task": {"kind": "regression", "target": "y", "truth": "x_squared", "x": "x"},
    "models": {"short": {"title": "short", "inputs": ["x"], "architecture": {"kind": "mlp", "widths": [50]}}},
    "claims": [{
        "id": "rises", "statement": "It rises.", "source": "nobody",
        "test": {"kind": "above", "metric": {"model": "short", "metric": "r2"}, "threshold": 0.5},
    }],
}  # fmt: skip


@pytest.fixture
def config(tmp_path):
    (tmp_path / "config" / "studies").mkdir(parents=True)
    path = tmp_path / "config" / "config.yaml"
    path.write_text(yaml.safe_dump({"studies": ["curve"], "course": "lectures.yaml"}))
    (path.parent / "studies" / "curve.yaml").write_text(yaml.safe_dump(STUDY))
    return path


def write(config: Path, claims: list[str]) -> None:
    tree = yaml.safe_load(yaml.safe_dump(COURSE))
    tree["chapters"][0]["items"][0]["claims"] = claims
    (config.parent / "lectures.yaml").write_text(yaml.safe_dump(tree))


def test_claims_that_exist_are_taken(config):
    write(config, ["curve.rises"])
    assert find_course_errors(config) == []
    assert load_course(config.parent / "lectures.yaml").claims() == [("curve", "rises")]


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        (["curve.rise"], "has no such claim (did you mean 'rises'?)"),
        (["kurve.rises"], "there is no study 'kurve'"),
        (["rises"], "claims.0"),
        ([], "claims"),
    ],
)
def test_claims_that_do_not_exist_are_named(config, claims, words):
    write(config, claims)
    (line,) = find_course_errors(config)
    assert words in line
    assert "lectures.yaml" in line


def test_a_missing_index_is_named(config):
    (line,) = find_course_errors(config)
    assert "lectures.yaml: is missing" in line
    assert "take the key 'course' out" in line
    with pytest.raises(UserError):
        load_course(config.parent / "lectures.yaml")


def test_a_configuration_without_a_course_has_nothing_to_check(config):
    config.write_text(yaml.safe_dump({"studies": ["curve"]}))
    assert find_course_errors(config) == []
