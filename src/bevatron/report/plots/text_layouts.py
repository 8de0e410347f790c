"""Texts of figures are measured once.

Matplotlib measures each label of a tick five times while it makes an SVG, and reads a formula again once 50 others have
been read.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

FORMULAS = 1000
REMEMBERED = ("RendererSVG", "RendererPdf")  # by name, as the second is imported only where there are PDFs


@contextmanager
def remember_text_layouts() -> Iterator[None]:
    """Within it, equal texts of SVGs and PDFs are laid out once, and formulas are read once.

    Both are where this version of matplotlib keeps them: where another has changed them, all is as without.
    """
    layout, read = getattr(Text, "_get_layout", None), getattr(MathTextParser, "_parse_cached", None)
    if layout is not None:
        Text._get_layout = _remembering(layout)  # pyright: ignore[reportAttributeAccessIssue]
    if hasattr(read, "__wrapped__"):
        MathTextParser._parse_cached = lru_cache(FORMULAS)(read.__wrapped__)  # pyright: ignore
    try:
        yield
    finally:
        if layout is not None:
            Text._get_layout = layout  # pyright: ignore[reportAttributeAccessIssue]
        if read is not None:
            MathTextParser._parse_cached = read  # pyright: ignore


def _remembering(layout: Any) -> Any:
    """The method `layout` of a text, with a memory."""
    known: dict[Hashable, Any] = {}

    def get_layout(self: Text, renderer: Any) -> Any:
        if self.get_wrap() or type(getattr(renderer, "_renderer", renderer)).__name__ not in REMEMBERED:
            return layout(self, renderer)  # depends on where it is, or on more of the renderer
        key = (type(getattr(renderer, "_renderer", renderer)).__name__, _all_that_counts(self))
        if key not in known:
            known[key] = layout(self, renderer)
        return known[key]

    return get_layout


def _all_that_counts(text: Text) -> Hashable:
    """All on which the layout of a text depends, which is relative to its position."""
    figure = text.get_figure(root=True)
    return (
        text.get_text(),
        hash(text.get_fontproperties()),
        figure.dpi if figure is not None else None,
        text.get_usetex(),
        text.get_parse_math(),
        text.get_rotation(),
        text.get_rotation_mode(),
        text.get_horizontalalignment(),
        text.get_verticalalignment(),
        getattr(text, "_multialignment", None),
        getattr(text, "_linespacing", None),
    )
