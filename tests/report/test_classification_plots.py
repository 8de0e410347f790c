"""Images of classifiers stay legible: with many classes, and where next to nothing of a background is kept."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bevatron.report.plots.calibration import plot_calibration
from bevatron.report.plots.confusion import plot_confusion
from bevatron.report.plots.roc import plot_roc
from bevatron.report.plots.score import plot_score
from bevatron.report.plots.style import page_style

TEN = [f"class{k}" for k in range(10)]


@pytest.fixture
def axes():
    with page_style():
        figure, axes = plt.subplots()
        yield axes
        plt.close(figure)


def test_a_large_confusion_matrix_has_whole_per_cent_and_no_zeros(axes):
    fraction = np.eye(10) * 0.976 + 0.004 * np.roll(np.eye(10), 1, axis=1) + 0.02 * np.roll(np.eye(10), 2, axis=1)
    curve = {"fraction": fraction.tolist(), "low": fraction.tolist(), "high": fraction.tolist(), "samples": [50] * 10}
    plot_confusion(TEN, curve, axes)
    words = [text.get_text() for text in axes.texts]
    assert sorted(set(words)) == ["", "2", "98"]
    assert words.count("98") == words.count("2") == 10


def test_a_small_one_has_errors(axes):
    curve = {"fraction": [[0.9, 0.1], [0.2, 0.8]], "low": [[0.8, 0.0], [0.1, 0.7]], "high": [[1.0, 0.2], [0.3, 0.9]]}
    plot_confusion(["a", "b"], {**curve, "samples": [10, 10]}, axes)
    assert [text.get_text() for text in axes.texts][:2] == ["90.0 %", "± 10.0"]


def test_many_classes_probabilities_are_pooled_sample_by_sample(axes):
    low = {"samples": [30, 10], "predicted": [0.02, 0.55], "observed": [0.0, 0.4], "low": [0, 0], "high": [1, 1]}
    other = {"samples": [10], "predicted": [0.53], "observed": [0.8], "low": [0], "high": [1]}
    plot_calibration(TEN, {name: other if name == "class3" else low for name in TEN}, axes)
    (container,) = axes.containers
    drawn = np.array(container.lines[0].get_data()).T
    np.testing.assert_allclose(drawn, [[0.02, 0.0], [(9 * 5.5 + 5.3) / 100, (9 * 4 + 8) / 100]])


def test_of_many_classes_the_signal_stands_against_the_mean_of_the_others(axes):
    fractions = {name: [0.9, 0.1] for name in TEN} | {"class0": [0.2, 0.8], "class1": [0.0, 1.0]}
    plot_score("class0", TEN, {"edges": [0.0, 0.5, 1.0], "classes": fractions}, axes)
    assert axes.get_legend_handles_labels()[1] == ["the others", "class0"]
    others, signal = (patch.get_data().values for patch in axes.patches)
    np.testing.assert_allclose(others, [0.8, 0.2])
    np.testing.assert_allclose(signal, [0.2, 0.8])


def test_backgrounds_that_nobody_keeps_have_no_panel(axes):
    grid = np.linspace(0.2, 1.0, 5)
    seen = [[0.1, 0.2, 0.3, 0.5, 1.0]]
    curve = {"efficiency": grid.tolist(), "samples": {"seen": 100, "unseen": 100}}
    curve["backgrounds"] = {"seen": seen, "unseen": [[0.0, 0.0, 0.0, 0.01, 1.0]]}
    figure = plot_roc("signal", ["seen", "unseen"], {"net": curve}, {}, [0.5])
    assert [panel.get_ylabel() for panel in figure.axes if panel.get_visible() and panel.axison] == ["seen rejection"]
    assert plot_roc("signal", ["unseen"], {"net": curve}, {}, [0.5]) is None
    plt.close(figure)
