"""Texts that are measured once make the same figures as texts that are measured again and again."""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

from bevatron.figures import pdf_bytes, svg_bytes
from bevatron.report.plots import style
from bevatron.report.plots.style import create_panels, page_style
from bevatron.report.plots.text_layouts import remember_text_layouts


@pytest.fixture
def measured(monkeypatch) -> list[str]:
    """Each text that matplotlib lays out."""
    found, layout = [], Text._get_layout

    def count(self, renderer):
        found.append(self.get_text())
        return layout(self, renderer)

    monkeypatch.setattr(Text, "_get_layout", count)
    return found


def panels() -> Figure:
    figure, axes = create_panels(4, columns=2)
    for k, panel in enumerate(axes):
        panel.plot([0.001, 1, 40], [1e-5, 3.0, 2e4], label=f"curve {k}")
        panel.set(xscale="log", yscale="log", xlabel="$p_T$ [GeV]", ylabel="jets\nof 1 GeV", title="Σ(pT) ≥ 1")
        panel.legend()
        panel.annotate("turned", (0.5, 0.5), xycoords="axes fraction", rotation=30 * k)
    return figure


def svg() -> bytes:
    figure, buffer = panels(), io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(figure)
    return buffer.getvalue()


def svg_and_pdf() -> tuple[bytes, bytes]:
    figure = panels()
    made = svg_bytes(figure, "name", dpi=150), pdf_bytes(figure)
    plt.close(figure)
    return made


@pytest.mark.parametrize("make", [svg, svg_and_pdf])
def test_the_same_bytes(make, monkeypatch):
    with page_style():
        once = [make() for _ in range(2)]  # from the memory, and from that of a figure before
    monkeypatch.setattr(style, "remember_text_layouts", plt.ioff)
    with page_style():
        again = make()
    assert once == [again, again]


def test_equal_texts_are_measured_once(measured):
    with page_style():
        svg()
        once = len(measured)
        svg()
    assert len(measured) == once
    with mpl.rc_context():
        svg()
    assert len(measured) > 2 * once


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.set_text("other words"),
        lambda text: text.set_fontsize(30),
        lambda text: text.set_fontweight("bold"),
        lambda text: text.set_fontfamily("DejaVu Serif"),
        lambda text: text.set_rotation(40),
        lambda text: text.set_rotation_mode("anchor"),
        lambda text: text.set_horizontalalignment("right"),
        lambda text: text.set_verticalalignment("top"),
        lambda text: text.set_multialignment("right"),
        lambda text: text.set_linespacing(3.0),
        lambda text: text.set_parse_math(False),
        lambda text: text.figure.set_dpi(200),
    ],
)
def test_a_changed_text_is_measured_again(change):
    def layouts():
        figure = Figure()
        text = figure.text(0.5, 0.5, "$x^2$ and\nmore words", rotation=20)
        renderer = svg_renderer(figure)
        before = text._get_layout(renderer)
        change(text)
        return before, text._get_layout(renderer)

    with remember_text_layouts():
        found = layouts()
    expected = layouts()
    assert [repr(layout) for layout in found] == [repr(layout) for layout in expected]


def svg_renderer(figure: Figure):
    from matplotlib.backends.backend_svg import RendererSVG

    return RendererSVG(100, 100, io.StringIO())


def test_matplotlib_is_as_before_also_after_an_error():
    before = Text._get_layout, MathTextParser._parse_cached
    with pytest.raises(AssertionError), remember_text_layouts():
        assert Text._get_layout is before[0]
    assert (Text._get_layout, MathTextParser._parse_cached) == before


def test_without_what_it_replaces_nothing_happens(monkeypatch):
    monkeypatch.delattr(Text, "_get_layout")
    monkeypatch.delattr(MathTextParser, "_parse_cached")
    with remember_text_layouts():
        assert not hasattr(Text, "_get_layout")
