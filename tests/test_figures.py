"""Texts in figures are literal, whatever they hold, and the bytes of a figure always come."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from bevatron.figures import (
    drawable,
    legend_label,
    log_failure,
    placeholder_png,
    placeholder_svg,
    png_bytes,
    shorten,
    svg_bytes,
)

FORMULAS = [
    "a $x_1$ b",
    r"$\frac{$",
    r"\$5",
    r"cost $5 vs $6 {x",
    r"\alpha$",
    "a_$b",
    "$$",
    "$^$ $_$",
    r"$\unknown{a}$",
]


def drawn(text: str, literal: bool) -> np.ndarray:
    """Pixels of a text: by `png_bytes`, or by matplotlib with its formulas switched off at the text itself."""
    figure = Figure(figsize=(4, 1), dpi=80)
    FigureCanvasAgg(figure)
    axes = figure.add_axes([0.1, 0.3, 0.8, 0.4], xticks=[], yticks=[])
    title = axes.set_title(text)
    if literal:
        return np.asarray(Image.open(io.BytesIO(png_bytes(figure, "test"))))
    title.set_parse_math(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_dollar_is_a_dollar(text):
    np.testing.assert_array_equal(drawn(text, literal=True), drawn(text, literal=False))


@pytest.mark.parametrize("text", FORMULAS)
def test_it_is_one_in_every_place_of_a_figure(text):
    """Titles, axes' labels, ticks, legends of panels and figures, notes, colour bars, panels within panels."""
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    axes, other = figure.subplots(1, 2)
    axes.plot([1, 1000], [1, 1e6], label=text)
    axes.set(xscale="log", yscale="log", xlabel=text, ylabel=text, title=text)
    axes.legend(title=text)
    axes.text(1, 1, text)
    axes.annotate(text, (10, 10))
    drawn = other.imshow(np.eye(2))
    other.set_xticks([0, 1], [text, text])
    other.set_yticks([0, 1], [text, "b"], minor=False)
    figure.colorbar(drawn, ax=other, label=text)
    figure.legend(*axes.get_legend_handles_labels(), title=text, loc="outside upper left")
    figure.suptitle(text)
    figure.supxlabel(text)
    svg_bytes(figure, "test", 100)
    shown = [t for t in figure.findobj(Text) if t.get_text() == text]
    assert len(shown) >= 14
    assert not any(t.get_parse_math() for t in shown)
    powers = [t for t in figure.axes[0].xaxis.get_ticklabels() if "10^" in t.get_text()]
    assert powers
    assert all(t.get_parse_math() for t in powers)  # our own numbers are still drawn as powers of ten


def test_an_ordinary_figure_has_the_bytes_of_matplotlib():
    def figure() -> Figure:
        made = Figure(layout="constrained")
        FigureCanvasAgg(made)
        axes = made.subplots()
        axes.plot([1, 2e7], [3e-9, 4e-9], label="a model of 40 to 50 characters, as they are")
        axes.set(xlabel="pT [GeV]", title="d₀ significance")
        axes.legend()
        return made

    buffer, options = io.BytesIO(), {"format": "svg", "metadata": {"Date": None, "Creator": None}}
    with mpl.rc_context({"svg.hashsalt": "test"}):
        figure().savefig(buffer, **options)
        assert svg_bytes(figure(), "test", 100) == buffer.getvalue()


def test_missing_glyphs_are_told_once_and_end_nothing(told):
    figure = Figure()
    FigureCanvasAgg(figure)
    figure.subplots().set_title("漢 title 漢 \U000e0fff")
    assert svg_bytes(figure, "curve-fits", 100).startswith(b"<?xml")
    (record,) = told
    assert "curve-fits: the fonts of figures lack" in record.message
    assert "U+6F22" in record.message


def test_texts_without_end_leave_room_for_the_figure():
    figure = Figure(figsize=(11, 3), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    for k, axes in enumerate(panels):
        axes.plot([0, 1], [0, 1], label=f"{'W' * 500}{k}")
        axes.set(title=f"{'a long title ' * 40}{k}", xlabel="x" * 500, ylabel="words " * 100)
        axes.legend()
    png_bytes(figure, "test")
    assert all(axes.get_position().width > 0.1 and axes.get_position().height > 0.2 for axes in panels)
    titles = [axes.get_title() for axes in panels]
    assert len(set(titles)) == 3  # names often differ in their ends
    assert all(len(line) <= 60 for title in titles for line in title.split("\n"))


def test_what_has_no_shape_is_left_out():
    assert drawable("a\u200bb\u202ec\ufeff\x00d\te\nf\ud800") == "abc d e\nf"
    assert drawable("Zürich σ ± ₁ 漢 مرحبا 😀") == "Zürich σ ± ₁ 漢 مرحبا 😀"


def test_a_label_with_an_underscore_is_in_the_legend():
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 1], label=legend_label("_hidden"))
    legend = axes.legend()
    svg_bytes(figure, "test", 100)
    assert [text.get_text() for text in legend.get_texts()] == ["_hidden"]
    assert legend_label("plain") == "plain"


@pytest.mark.parametrize("length", [1, 59, 60, 61, 500])
def test_shortened_keeps_both_ends(length):
    text = "".join(chr(0x4E00 + k) for k in range(length))
    found = shorten(text)
    assert len(found) == min(length, 60)
    assert (found[0], found[-1]) == (text[0], text[-1])
    assert (found == text) == (length <= 60)


def test_placeholders_say_why(tmp_path):
    import xml.etree.ElementTree as ET

    reason = "ValueError: <b>&\"' 漢 " + "x" * 300
    words = "".join(ET.fromstring(placeholder_svg(reason)).itertext())
    assert "could not be drawn" in words
    assert "<b>&\"' 漢" in words
    with Image.open(io.BytesIO(placeholder_png(reason))) as image:
        assert image.size[0] == 800
        assert np.ptp(np.asarray(image)) > 100


def test_an_exception_that_cannot_be_told_is_told_by_its_name():
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert log_failure(Mute(), "figure") == "Mute:"
    assert log_failure(ValueError("a\n\x1b[31m\ud800" + "x" * 500), "figure").startswith("ValueError: a [31mx")
