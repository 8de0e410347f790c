"""What the figures of regressions draw, read back from their axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bevatron.report.plots.gaussian import plot_widths
from bevatron.report.plots.regression import plot_fits, plot_predictions


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_predictions_are_drawn_against_the_target_with_one_scale_and_the_diagonal():
    target = [1.0, 2.0, 4.0]
    curves = {
        "net": {"target": target, "predictions": [[1.0, 3.0, 3.0], [2.0, 2.0, 5.0]]},
        "other": {"target": target, "predictions": [[-9.0, 2.0, 4.0]]},
    }
    figure = plot_predictions("energy [GeV]", curves)
    panels = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title(loc="left") for axes in panels] == ["net", "other"]
    for axes, means in zip(panels, ([1.5, 2.5, 4.0], [-9.0, 2.0, 4.0]), strict=True):
        points, diagonal = axes.lines
        np.testing.assert_allclose(points.get_xydata(), list(zip(target, means, strict=True)))
        np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
        assert axes.get_xlim() == axes.get_ylim()
        low, high = axes.get_xlim()
        assert low < min(*target, *means) <= max(*target, *means) < high, "no point lies outside"
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("energy [GeV]", "predicted")


def test_a_model_with_a_target_of_its_own_has_its_name_at_the_axis():
    curve = {"x": [0.0, 1.0], "target": [1.0, 2.0], "truth": None, "predictions": [[1.0, 2.0]]}
    curves, own = {"net": curve, "other": curve}, {"other": "peak"}
    predicted = [axes for axes in plot_predictions("sine", curves, own).axes if axes.lines]
    assert [axes.get_xlabel() for axes in predicted] == ["sine", "peak"]
    fitted = [axes for axes in plot_fits("x", "sine", curves, own).axes if axes.lines]
    assert [axes.get_ylabel() for axes in fitted] == ["sine", "peak"]


@pytest.mark.parametrize("most", [12.0, 40.0, 3e4])
def test_logarithmic_widths_have_at_least_two_numbers_on_each_axis(most):
    widths = np.geomspace(1.0, most, 6)
    curve = {"predicted": widths.tolist(), "found": widths.tolist(), "low": (widths / 1.1).tolist(),
             "high": (widths * 1.1).tolist()}  # fmt: skip
    figure = plot_widths({"net": curve})
    figure.canvas.draw()
    (axes,) = [axes for axes in figure.axes if axes.lines]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        labels = [tick.get_text() for tick in axis.get_ticklabels()]
        seen = [float(text) for text in labels if text and low <= float(text) <= high]
        assert len(seen) >= 2, labels
