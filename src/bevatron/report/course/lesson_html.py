"""Markdown of lessons as HTML: formulae are SVG, figures of the report are part of the page."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape

from bevatron.errors import UserError
from bevatron.regular_files import is_file
from bevatron.report.course.formula import formula_svg
from bevatron.store.files.plain_names import inside

KINDS = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass
class LessonHtml:
    """Makes HTML of Markdown. Images are files in `report`, the report's folder, and formulae are between dollar signs.

    source: the Markdown file, for messages. missing: the figures that were not found, by their path.
    """

    report: Path
    source: Path
    missing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
        self._markdown.inline.ruler.before("escape", "formula", _find_formula)
        self._markdown.add_render_rule("formula", lambda _, tokens, i, *rest: self._formula(tokens[i]))
        self._markdown.add_render_rule("image", lambda _, tokens, i, *rest: self._figure(tokens[i]))
        self._markdown.core.ruler.push("figures", _unwrap_figures)

    def render(self, text: str) -> Markup:
        """The HTML of a text. Raises UserError for a formula that cannot be drawn, and for figures elsewhere."""
        return Markup(self._markdown.render(text))

    def _formula(self, token: Token) -> str:
        is_display = token.markup == "$$"
        try:
            svg = formula_svg(token.content.replace("\\frac", "\\dfrac") if is_display else token.content)
        except ValueError as error:
            what = f"the formula ${token.content}$ cannot be drawn: {str(error).strip().splitlines()[-1]}"
            raise UserError(self.source, what, "write what matplotlib's mathtext understands") from None
        return f'<span class="display">{svg}</span>' if is_display else svg

    def _figure(self, token: Token) -> str:
        name = str(token.attrs["src"])
        path = inside(self.report, name)
        if path.suffix not in KINDS:
            raise UserError(self.source, f"the figure '{name}' is none of {', '.join(KINDS)}")
        renderer: Any = self._markdown.renderer
        caption = renderer.renderInline(token.children or [], self._markdown.options, {})
        if not is_file(path):
            self.missing.append(name)
            study = escape(name.split("/")[0])
            return f'<p class="missing">No figure yet: the study <b>{study}</b> has no results here. {caption}</p>'
        uri = f"data:{KINDS[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"
        image = f'<img src="{uri}" alt="{escape(token.content)}">'
        return f'<figure class="wide">{image}<figcaption>{caption}</figcaption></figure>'


def _find_formula(state: StateInline, silent: bool) -> bool:
    """The rule for $…$ within a line of text, and $$…$$ for a line of its own. The dollar sign of a price is none."""
    start, source = state.pos, state.src
    if source[start] != "$":
        return False
    fence = "$$" if source.startswith("$$", start) else "$"
    end = source.find(fence, start + len(fence))
    content = source[start + len(fence) : end]
    if end < 0 or not content.strip() or (fence == "$" and (content[0].isspace() or content[-1].isspace())):
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup = content.strip(), fence
    state.pos = end + len(fence)
    return True


def _unwrap_figures(state: Any) -> None:
    """A paragraph that is one image is the figure itself: HTML has no figures within paragraphs."""
    tokens: Sequence[Token] = state.tokens
    for before, inline, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        children = inline.children or []
        if before.type == "paragraph_open" and len(children) == 1 and children[0].type == "image":
            before.hidden = after.hidden = True
