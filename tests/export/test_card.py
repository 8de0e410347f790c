"""Words of a study's file are words in the model card, as a reader of Markdown shows it."""

import pytest

from bevatron.export.card import escape_markup, escape_word

SIGNS = [
    "$a_b$ and $\\frac{$",
    "a &lt; b &amp; c",
    "~~gone~~",
    "1. first",
    "12) twelfth",
    "- a list",
    "+ a list",
    "=====",
    "---",
    "<script>alert(1)</script>",
    "[link](http://x)",
    "![image](http://x)",
    "`code`",
    "**bold** __bold__",
    "# head",
    "> quote",
    "a | b",
    "\\",
    "two\nlines",
    "漢字 😀",
    "*",
    "https://example.org/a_b_c",
    "",
]


@pytest.mark.parametrize("text", SIGNS)
@pytest.mark.parametrize("place", ["# {}", "Intended for: {}", "- {}", "| {} | x |\n|---|---|\n| {} | y |"])
def test_no_sign_of_a_text_is_markup_in_the_card(place, text):
    """By a reader of CommonMark with GitHub's tables and strike-outs: the text comes out as it went in."""
    reader = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = reader.parse(place.format(*[escape_markup(text)] * 2))
    inline = [token for token in tokens if token.type == "inline"]
    inner = {child.type for token in inline for child in token.children}
    assert inner <= {"text", "text_special"}
    shown = ["".join(child.content for child in token.children) for token in inline]
    expected = place.split("\n")[0].strip("#- |x").format(" ".join(text.split())).strip()
    assert (shown or [""])[0] == expected
    assert sum(token.type in ("bullet_list_open", "ordered_list_open") for token in tokens) == place.startswith("-")


@pytest.mark.parametrize("name", ["pt", "d0_significance", "1/GeV", "GeV^2", "mm", "rejection.light.at_70", ""])
def test_a_plain_name_stays_as_it_is(name):
    assert escape_word(name) == name
    assert escape_word("<b>") == r"\<b\>"
    assert escape_word("_a_") == r"\_a\_"
