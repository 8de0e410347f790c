"""What figures are drawn with: panels that do not overlap, minor ticks as one line, numbers without formulas."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG

from bevatron.report.plots.minor_ticks import MinorTicks, simplify_minor_ticks
from bevatron.report.plots.style import create_panels, draw_figure, page_style
from bevatron.tick_numbers import PlainNumbers


@pytest.fixture(autouse=True)
def style():
    with page_style():
        yield
    plt.close("all")


def draw(figure):
    FigureCanvasSVG(figure).print_svg(io.BytesIO())


@pytest.mark.parametrize("legend", ["outside upper left", "outside lower center", None])
@pytest.mark.parametrize(("n", "columns"), [(1, 1), (3, 3), (7, 3), (4, 2)])
def test_panels_labels_and_legends_are_apart_and_inside_the_figure(n, columns, legend):
    figure, panels = create_panels(n, columns)
    for k, axes in enumerate(panels):
        axes.plot([0, 10.0**k], [-(10.0**k), 10.0**k], label="a line")
        axes.set(xlabel="x [GeV]", ylabel="a quantity", title="a title")
    if legend:
        figure.legend(*panels[0].get_legend_handles_labels(), loc=legend)
    draw(figure)
    boxes = [axes.get_tightbbox() for axes in panels] + [found.get_window_extent() for found in figure.legends]
    for k, box in enumerate(boxes):
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= figure.bbox.x1 + 1
        assert box.y1 <= figure.bbox.y1 + 1
        assert not any(box.padded(-1).overlaps(other.padded(-1)) for other in boxes[:k])
    for axes in panels:
        label, numbers = axes.xaxis.label.get_window_extent(), axes.xaxis.get_ticklabels()[0].get_window_extent()
        assert label.y1 <= numbers.y0 + 1


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_minor_ticks_are_where_matplotlib_has_them(scale):
    def make():
        figure, (axes,) = create_panels(1)
        axes.plot([1, 5000], [1, 3e4])
        axes.set(xscale=scale, yscale=scale, xlim=(1, 5000), ylim=(1, 3e4))
        return figure, axes

    figure, axes = make()
    draw(figure)
    low, high = axes.get_ylim()
    expected = [y for y in axes.yaxis.get_minorticklocs() if low <= y <= high]
    figure, axes = make()
    simplify_minor_ticks(axes)
    draw(figure)
    found = [artist for artist in axes.get_children() if isinstance(artist, MinorTicks)]
    assert len(found) == 4
    of_y = [np.asarray(ticks.get_ydata()) for ticks in found if set(ticks.get_xdata()) <= {0.0, 1.0}]
    assert len(of_y) == 2
    for y in of_y:
        assert set(np.round(expected, 9)) <= set(np.round(y, 9))
    assert len(axes.yaxis.get_minorticklocs()) == 0


def test_minor_ticks_with_labels_stay():
    _, (axes,) = create_panels(1)
    axes.set(yscale="log", ylim=(2, 7))
    simplify_minor_ticks(axes)
    assert len(axes.yaxis.get_minorticklocs()) > 0


@pytest.mark.parametrize(
    ("scale", "limits", "labels"),
    [
        ("linear", (-1, 1), {"−0.75", "−0.25", "0.00", "0.25"}),
        ("log", (0.01, 100), {"0.01", "0.1", "1", "10", "100"}),
        ("log", (1e-6, 1), {r"$\mathdefault{10^{-6}}$", r"$\mathdefault{10^{0}}$"}),
    ],
)
def test_numbers_are_formulas_only_where_they_need_a_power_of_ten(scale, limits, labels):
    _, (axes,) = create_panels(1)
    axes.set(xscale=scale, xlim=limits)
    axes.xaxis.set_major_formatter(PlainNumbers(axes.xaxis.get_major_formatter()))
    found = {text.get_text() for text in axes.get_xticklabels()}
    assert labels <= found
    assert all(("10^" in label) == ("$" in label) for label in found)


def test_a_power_of_ten_at_the_axis_end_is_kept():
    figure, (axes,) = create_panels(1)
    axes.plot([0, 1], [0, 3e-7])
    assert b"<svg" in draw_figure(lambda: figure, "name", "caption").content
    assert "10^{-7}" in axes.yaxis.get_offset_text().get_text()


def test_an_empty_place_has_no_ticks():
    figure, axes = plt.subplots(1, 2)
    axes[1].set_axis_off()
    for panel in axes:
        panel.minorticks_on()
        simplify_minor_ticks(panel)
    drawn = [[artist for artist in panel.get_children() if isinstance(artist, MinorTicks)] for panel in axes]
    assert len(drawn[0]) == 4
    assert not drawn[1]
    plt.close(figure)
