"""What users read has the field's standard words: pages, keys and their descriptions, help, messages, the report."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLD = {
    "pictures?": "image, figure or plot",
    "anew": "again",
    "mend(s|ed)?": "fix, repair",
    "absent": "missing; not set; default",
    "whole numbers?": "int, integers",
    "or nothing": "| None",
    "true or false": "bool",
    "laid over": "merged over",
    "(goes|go) before (it|both|those|that)": "takes precedence over",
    "by heart": "overfitted",
    "in disorder": "shuffled",
    "told apart": "separated, classified",
    "tells? apart": "separates, distinguishes",
    "hidden numbers?": "latent dimensions",
    "starves?": "is input-bound",
    "the row": "the pipeline",
    "foreign": "external",
    "guest_\\w+": "jet_flavour, jet_flavour_jsonl",
    "adam_memory": "beta1",
    "mixture": "class_ratio",
    "presentation": "sample_order",
    "grace_epochs": "grace_period",
    "look_into": "inspect_layers",
    "compare_source": "validate_source",
    "bevatron (observe|compare)": "bevatron observables, bevatron validate-source",
}
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", ".github/**/*.md", "docs/**/*.md",
         "config/**/*.md", "config/**/*.yaml", "profiles/**/*.yaml", "src/**/*.j2", "containers/*")  # fmt: skip


def texts() -> list[tuple[str, str]]:
    """What users read, by its place, with line breaks as spaces: a phrase may go on in the next line."""
    found = [
        (str(p.relative_to(ROOT)), p.read_text()) for page in PAGES for p in sorted(ROOT.glob(page)) if p.is_file()
    ]
    for path in sorted((ROOT / "workflow" / "schemas").glob("*.json")):
        found.append((str(path.relative_to(ROOT)), json.dumps(json.loads(path.read_text()), indent=0)))
    for path in sorted((ROOT / "src").rglob("*.py")):
        found.append((str(path.relative_to(ROOT)), "\n".join(_strings(ast.parse(path.read_text())))))
    return [(place, " ".join(text.split())) for place, text in found]


def _strings(tree: ast.AST) -> list[str]:
    """All string constants but docstrings: messages, descriptions, help, captions; and docstrings of commands."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


@pytest.fixture(scope="module")
def read() -> list[tuple[str, str]]:
    return texts()


@pytest.mark.parametrize("word", OLD)
def test_no_private_word_is_left(word, read):
    pattern = re.compile(rf"\b{word}\b", re.IGNORECASE)
    hits = [
        f"{place}: {text[max(0, hit.start() - 40) : hit.end() + 40]}"
        for place, text in read
        for hit in pattern.finditer(text)
    ]
    assert not hits, f"say {OLD[word]}:\n" + "\n".join(hits)


def test_the_words_are_looked_for_where_users_read(read):
    """The test would pass if it read nothing."""
    places = {place for place, _ in read}
    assert {
        "README.md",
        "config/README.md",
        "docs/index.md",
        "docs/explanation/results.md",
        "config/studies/sky.yaml",
        "workflow/schemas/study.schema.json",
    } <= places
    assert any("names no NanoAOD" in text or "has no split" in text for place, text in read if place.startswith("src"))
