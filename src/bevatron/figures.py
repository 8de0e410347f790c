"""Figures that are always finished: texts of a study's file are literal, and one that
fails costs nothing but itself.

matplotlib reads `$...$` in every text as a formula and ends with an exception where it is none. A title is no formula,
so all texts are drawn as they are, but for the numbers of the axes' ticks, whose powers of ten are ours.
"""

import io
import logging
import textwrap
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.ticker import Formatter

log = logging.getLogger("bevatron")
LONGEST, FOLDED, MOST_LINES = 60, 44, 6
"""Characters of a line from which on a text is folded or shortened, of the lines it is folded to, and how many."""
JOINER = "\u2060"  # WORD JOINER, without width, which is taken away again when the figure is drawn
MISSING, COLLAPSED = "missing from font", "constrained_layout not applied"


def png_bytes(figure: "Figure", name: str, **options: Any) -> bytes:
    """The figure as PNG, with all texts literal; `options` are those of `Figure.savefig`.

    Characters that the fonts lack become boxes, and texts that leave no room are told in the log, under `name`.
    """
    return _figure_bytes(figure, name, partial(figure.savefig, format="png", **options))


def svg_bytes(figure: "Figure", name: str, dpi: float) -> bytes:
    """The figure as SVG, without dates; `dpi` is that of pixels in it. Else as `png_bytes`.

    `Figure.savefig` would draw twice: once for the layout engine, which also works in the drawing itself.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    figure.dpi = dpi
    canvas = FigureCanvasSVG(figure)
    return _figure_bytes(figure, name, partial(canvas.print_svg, metadata={"Date": None, "Creator": None}))


def pdf_bytes(figure: "Figure") -> bytes:
    """A figure of which `svg_bytes` has been made, as PDF: laid out as that, with letters as text, without dates.

    Letters are embedded as Type 3 fonts: the style's font has PostScript outlines, which matplotlib embeds in a form
    that only TrueType outlines may have (Type 42), and which strict readers reject.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    dpi = figure.dpi
    figure.set_layout_engine("none")
    buffer = io.BytesIO()
    with warnings.catch_warnings(), mpl.rc_context({"pdf.fonttype": 3}):
        warnings.simplefilter("ignore")  # they are those of the SVG
        FigureCanvasPdf(figure).print_pdf(buffer, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    figure.dpi = dpi
    return buffer.getvalue()


def _figure_bytes(figure: "Figure", name: str, write: Callable[[io.BytesIO], Any]) -> bytes:
    _make_literal(figure)
    buffer = io.BytesIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write(buffer)
    lacking, others = set(), []
    for warning in caught:
        message = str(warning.message)
        if MISSING in message:
            lacking.add(message.split(" (")[0].removeprefix("Glyph "))
        elif COLLAPSED in message:
            log.warning("%s: its texts are too long for a figure of this size, and overlap", name)
        else:
            others.append(warning)
    if lacking:
        signs = ", ".join(sorted(f"U+{int(code):04X}" for code in lacking if code.isdigit()))
        log.warning("%s: the fonts of figures lack %s; boxes are drawn instead", name, signs or "some characters")
    for warning in others:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return buffer.getvalue()


def legend_label(text: str) -> str:
    """`text` as a label that a legend shows: matplotlib leaves out those that begin with an underscore."""
    return JOINER + text if text.startswith("_") else text


def shorten(text: str, longest: int = LONGEST) -> str:
    """`text`, without its middle where it is longer than `longest` characters: names often differ in their ends."""
    if len(text) <= longest:
        return text
    head = (longest - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


def drawable(text: str) -> str:
    """`text` without what no font can draw: controls become spaces; surrogates, and what has no width, are left out."""
    if text.isascii() and text.isprintable():
        return text
    kinds = {sign: unicodedata.category(sign) for sign in set(text)}
    gone = {sign for sign, kind in kinds.items() if kind in ("Cf", "Cs")}
    blank = {sign for sign, kind in kinds.items() if kind in ("Cc", "Zl", "Zp") and sign != "\n"}
    return "".join(" " if sign in blank else sign for sign in text if sign not in gone)


def log_failure(error: Exception, what: str) -> str:
    """Log that `what` could not be made, and go on; the exception in one line of at most 200 characters."""
    try:
        words = str(error)
    except Exception:  # an exception of another's class may not even be able to say what it is
        words = ""
    reason = shorten(" ".join(drawable(f"{type(error).__name__}: {words}").split()), 200)
    steps = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(steps[-1].filename).name}:{steps[-1].lineno})" if steps else ""
    log.warning("%s could not be made: %s%s", what, reason, place)
    log.debug("%s", what, exc_info=error)
    return reason


def placeholder_svg(reason: str) -> bytes:
    """An SVG that says why there is no figure; made without matplotlib."""
    lines = ["This figure could not be drawn.", *textwrap.wrap(drawable(reason), 100)]
    height = 20 * len(lines) + 24
    texts = "".join(f'<text x="16" y="{20 * k + 28}">{escape(line)}</text>' for k, line in enumerate(lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{height}" viewBox="0 0 800 {height}" '
        f'font-family="sans-serif" font-size="14"><rect width="800" height="{height}" fill="#fbe6e3"/>{texts}</svg>\n'
    ).encode()


def placeholder_png(reason: str) -> bytes:
    """The same as PNG, in ASCII."""
    from PIL import Image, ImageDraw

    words = drawable(reason).encode("ascii", "replace").decode()
    lines = ["This figure could not be drawn.", *textwrap.wrap(words, 100)]
    image = Image.new("RGB", (800, 20 * len(lines) + 24), "#fbe6e3")
    ImageDraw.Draw(image).multiline_text((16, 12), "\n".join(lines), fill="black", spacing=6)
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


def _make_literal(figure: "Figure") -> None:
    """No text is a formula, all can be drawn, and none is far longer than its place.

    Ticks with numbers are left to their axes, which make them when they are drawn.
    """
    from matplotlib.ticker import FixedFormatter, FuncFormatter, NullFormatter

    from bevatron.tick_numbers import PlainNumbers

    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        formatter, minor = axis.get_major_formatter(), axis.get_minor_formatter()
        if isinstance(formatter, FuncFormatter | FixedFormatter):  # words that the axis was given
            for text in (text for tick in axis.get_major_ticks() for text in (tick.label1, tick.label2)):
                text.set_parse_math(False)
            axis.set_major_formatter(FuncFormatter(partial(_label_of, formatter)))
        elif not isinstance(formatter, NullFormatter):
            axis.set_major_formatter(PlainNumbers(formatter))
        if not isinstance(minor, NullFormatter):
            axis.set_minor_formatter(PlainNumbers(minor))
    folded = dict.fromkeys(_labels(figure), LONGEST) | _titles(figure)
    for text in _texts(figure):
        text.set_parse_math(False)
        words = drawable(text.get_text())
        words = _fold(words, folded[text]) if text in folded else _cut(words)
        if words != text.get_text():
            text.set_text(words)


def _texts(figure: "Figure") -> Iterator["Text"]:
    """All texts but those of the ticks."""
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.text import Text

    for child in figure.get_children():
        for artist in child.get_children() if isinstance(child, Axes) else [child]:
            if isinstance(artist, Axis):
                yield artist.label
            else:
                yield from artist.findobj(Text)


def _label_of(formatter: "Formatter", value: float, position: int | None = None) -> str:
    return _cut(drawable(formatter(value, position)))


def _labels(figure: "Figure") -> list["Text"]:
    return [axis.label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]


def _titles(figure: "Figure") -> dict["Text", int]:
    """The panels' titles, and how many characters each has room for."""
    from matplotlib.text import Text

    found = {}
    for axes in figure.axes:
        inches = axes.get_position().width * figure.get_figwidth()
        for text in axes.get_children():
            if isinstance(text, Text) and text not in axes.texts:
                found[text] = max(LONGEST, int(inches * 72 / (0.5 * float(text.get_fontsize()))))
    return found


def _fold(text: str, longest: int) -> str:
    """`text` in lines of at most `longest` characters; longer ones are folded into up to three."""
    lines = []
    for line in text.split("\n"):
        whole = len(line) <= longest
        lines += [line] if whole else textwrap.wrap(shorten(line, 3 * (FOLDED - 8)), FOLDED)
    return _cut("\n".join(lines), longest)


def _cut(text: str, longest: int = LONGEST) -> str:
    """`text` with its long lines shortened, and no more than MOST_LINES of them."""
    lines = [shorten(line, longest) for line in text.split("\n")]
    return "\n".join(lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "…"])
