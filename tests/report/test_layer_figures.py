"""Figures of a convolutional network's inside: every layer has a row, every filter its curves."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bevatron.report.plots.filter_tuning import plot_filter_tuning
from bevatron.report.plots.layers import plot_feature_maps
from bevatron.report.plots.style import page_style


@pytest.fixture(autouse=True)
def style():
    with page_style():
        yield
        plt.close("all")


def test_each_layer_has_a_row_with_its_name_size_and_maps():
    random = np.random.default_rng(1)
    shapes = {"convolution 1": (4, 9, 8), "pool behind convolution 1": (4, 3, 3), "convolution 2": (20, 1, 1)}
    layers = [
        {"name": name, "channels": shape[0], "maps": random.random((min(8, shape[0]), *shape[1:])).tolist()}
        for name, shape in shapes.items()
    ]
    figure = plot_feature_maps({"image": random.random((12, 11)).tolist(), "layers": layers})
    axes = np.array(figure.axes).reshape(4, 9)
    texts = [row[0].texts[0].get_text() for row in axes]
    assert texts == ["image\n12 × 11", "convolution 1\n4 × 9 × 8", "pool\nbehind convolution 1\n4 × 3 × 3",
                     "convolution 2\n20 × 1 × 1"]  # fmt: skip
    assert [sum(bool(panel.images) for panel in row) for row in axes] == [1, 4, 4, 8]
    for row, layer in zip(axes[1:], layers, strict=True):  # one scale for each layer
        scales = {panel.images[0].get_clim() for panel in row if panel.images}
        assert scales == {(np.min(layer["maps"]), np.max(layer["maps"]))}


@pytest.mark.parametrize("n", [1, 4, 6, 20])
def test_each_filter_has_its_curves(n):
    angles = np.arange(0, 180, 15.0)
    curves = {when: np.random.default_rng(2).random((n, len(angles))) for when in ("initial", "trained")}
    record = {"angles": angles, "filters": np.ones((n, 3, 3)).tolist(), "lines": curves, "edges": curves}
    figure = plot_filter_tuning(record)
    drawn = [axes for axes in figure.axes if axes.lines]
    assert len(drawn) == min(n, 16)
    for k, axes in enumerate(drawn):
        np.testing.assert_array_equal(axes.lines[0].get_ydata(), curves["trained"][k])
        np.testing.assert_array_equal(axes.lines[1].get_ydata(), curves["initial"][k])
    assert any(axes.get_xlabel() == "orientation [°]" and axes.lines for axes in figure.axes)
