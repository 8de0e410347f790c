"""What the report and its figures show of samples with weights."""

import matplotlib.pyplot as plt
import numpy as np

from bevatron.report.plots.observables import plot_observables
from bevatron.report.plots.regression import plot_residuals
from bevatron.report.plots.score import plot_score
from bevatron.store.records.data import ObservableRecord


def error_bars(axes):
    """Half the length of each vertical error bar, container after container."""
    return [
        np.array([(high[1] - low[1]) / 2 for low, high in container[2][0].get_segments()])
        for container in axes.containers
    ]


def test_histograms_of_observables_have_errors_from_the_squares():
    record = ObservableRecord(
        title="pt", unit="GeV", log=False, edges=(0.0, 1.0, 3.0), counts={"": (4.0, 1.0)}, errors={"": (2.5, 0.5)},
        below={"": 0.0}, above={"": 0.25}, missing={"": 0.0}, samples={"": 5.25},
    )  # fmt: skip
    figure = plot_observables([record], [""])
    (bars,) = error_bars(figure.axes[0])
    np.testing.assert_allclose(bars, np.array([2.5, 0.5]) / 5 / np.array([1, 2]))
    plt.close(figure)


def test_scores_and_residuals_too():
    figure, axes = plt.subplots()
    curve = {
        "edges": [0, 0.5, 1],
        "classes": {"a": [0.6, 0.4], "b": [0.1, 0.9]},
        "errors": {"a": [0.05, 0.04], "b": [0.01, 0.02]},
    }
    plot_score("b", ["a", "b"], curve, axes)
    np.testing.assert_allclose(np.concatenate(error_bars(axes)), [0.05, 0.04, 0.01, 0.02])
    plt.close(figure)
    residuals = {"edges": [-1, 0, 1], "model": [3.0, 2.0], "noise": None, "outside": 0.0, "errors": [0.5, 0.4]}
    figure = plot_residuals({"net": residuals})
    np.testing.assert_allclose(error_bars(figure.axes[0])[0], [0.5, 0.4])
    assert figure.axes[0].get_ylabel() == "sum of weights / bin"
    plt.close(figure)
