"""Markers whose copies share their paths make the same figures."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.markers import MarkerStyle

from bevatron.figures import pdf_bytes, svg_bytes
from bevatron.report.plots import style
from bevatron.report.plots.shared_markers import share_markers
from bevatron.report.plots.style import create_panels, page_style


def svg_and_pdf() -> tuple[bytes, bytes]:
    figure, panels = create_panels(3)
    for k, (axes, marker) in enumerate(zip(panels, ["o", "$x$", "s"], strict=True)):
        axes.plot([1, 20, 300], [1, 2, 3], marker=marker, fillstyle=["full", "none", "left"][k], label="a")
        axes.errorbar([2, 30], [1, 2], yerr=0.3, capsize=3)
        axes.scatter([1, 2], [3, 1], marker=MarkerStyle("v"))
        axes.set_xscale("log")
        axes.legend()
    made = svg_bytes(figure, "name", dpi=150), pdf_bytes(figure)
    plt.close(figure)
    return made


def test_the_same_bytes(monkeypatch):
    with page_style():
        shared = svg_and_pdf()
    monkeypatch.setattr(style, "share_markers", plt.ioff)
    with page_style():
        assert svg_and_pdf() == shared


def test_a_marker_that_is_changed_leaves_the_one_it_is_made_of():
    plain = MarkerStyle("^", "left")
    with share_markers():
        copy = MarkerStyle(plain)
        assert copy.get_path() is plain.get_path()
        turned = copy.rotated(deg=30).scaled(2.0)
    np.testing.assert_array_equal(plain.get_transform().get_matrix(), copy.get_transform().get_matrix())
    assert not np.allclose(turned.get_transform().get_matrix(), plain.get_transform().get_matrix())
    assert copy.get_fillstyle() == "left"


def test_markers_are_copied_again_afterwards():
    before = MarkerStyle._set_marker
    with pytest.raises(ZeroDivisionError), share_markers():
        1 / 0  # noqa: B018
    assert MarkerStyle._set_marker is before
    plain = MarkerStyle("o")
    assert MarkerStyle(plain).get_path() is not plain.get_path()
