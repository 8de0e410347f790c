"""The figures of a plane: activations as the books have them, exact lines, and nothing where there is no line."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from bevatron.report.plots.classification_2d import (
    ACTIVATIONS,
    LECTURED,
    plot_corrections,
    plot_decision_lines,
    plot_lectured_units,
    plot_regions,
    plot_responses,
    plot_rotations,
    plot_surfaces,
)
from bevatron.report.plots.style import page_style

SIDE = np.linspace(-2, 2, 41)
X, Y = np.meshgrid(SIDE, SIDE)


def curves(surface, weights=None):
    points = {"x": [[-1.0, 0.0], [1.0, 0.5]], "label": [0, 1]}
    correction = {"step": 3, "x": [0.5, 0.5], "label": 1, "before": [1.0, 0.0, 1.0], "after": [1.5, 0.5, 0.0]}
    return {
        "points": points,
        "extent": [-2.0, 2.0, -2.0, 2.0],
        "surfaces": [surface.tolist()],
        "weights": [weights],
        "corrections": [correction],
    }


@pytest.fixture(autouse=True)
def style():
    with page_style():
        yield
    plt.close("all")


def test_activations_are_those_of_torch():
    z = np.linspace(-5, 5, 101)
    names = {"logistic": torch.sigmoid, "tanh": torch.tanh, "ReLU": torch.relu}
    for name, f in names.items():
        assert np.allclose(ACTIVATIONS[name](z), f(torch.from_numpy(z)).numpy())
    leaky = torch.nn.functional.leaky_relu(torch.from_numpy(z), 0.01).numpy()
    assert np.allclose(ACTIVATIONS["leaky ReLU, slope 0.01"](z), leaky)
    assert ACTIVATIONS["step (Rosenblatt)"](np.array([-1.0, 0.0, 1.0])).tolist() == [0.0, 0.0, 1.0]


def test_a_steps_line_is_exact_and_a_surfaces_is_its_contour():
    smooth = (X + Y - 0.5) / 10
    figure = plot_decision_lines(
        ["left", "right"],
        {
            "step": curves(np.where(X + Y > 0.5, 0.5, -0.5), [2.0, 2.0, 1.0]),
            "smooth": curves(smooth),
            "dead": curves(np.full_like(X, -0.5), [0.0, 0.0, 0.0]),
        },
    )
    step, contour, dead = figure.axes[:3]
    drawn = step.lines[-1].get_xydata()
    assert np.allclose(drawn.sum(axis=1), 0.5)
    path = contour.collections[-1].get_paths()[0].vertices
    assert np.allclose(path.sum(axis=1), 0.5, atol=1e-6)
    assert [text.get_text() for text in dead.texts] == ["no line: all points in one class"]


def test_a_correction_shows_the_line_before_and_after():
    figure = plot_corrections(["left", "right"], curves(X))
    before, after = (line.get_xydata() for line in figure.axes[0].lines[2:4])
    assert np.allclose(before[:, 0], 1.0)
    assert np.allclose(1.5 * after[:, 0] + 0.5 * after[:, 1], 0.0, atol=1e-9)


def test_the_lectured_units_respond_as_written_and_their_lines_are_where_the_argument_is_zero():
    (_, binary, *_), (_, lectured, *_), (_, usual, *_), (_, tanh, *_), (_, relu, *_) = LECTURED
    a = np.linspace(-4, 4, 41)
    assert np.allclose(lectured(a, 0.7) + usual(a, 0.7), 1.0)
    assert np.all(np.diff(lectured(a, 0.7)) < 0)
    assert np.allclose(usual(a, 0.7), torch.sigmoid(torch.from_numpy(a + 0.7)).numpy())
    assert np.allclose(tanh(a, -1), np.tanh(a - 1))
    assert relu(a, 0).tolist() == [max(v, 0.0) for v in a]
    assert binary(np.array([0.4, 0.6]), 0.5).tolist() == [0.0, 1.0]
    figure = plot_lectured_units()
    panels = [axes for axes in figure.axes if axes.get_xlabel()]
    assert len(panels) == 15
    zero = {"binary": panels[2], "logistic": panels[5], "tanh": panels[11]}
    for name, total in (("binary", 0.5), ("logistic", 0.5), ("tanh", 1.0)):  # x₁ + x₂ on the line
        assert np.allclose(zero[name].lines[0].get_xydata().sum(axis=1), total)
        assert (
            zero[name]
            .get_title(loc="left")
            .endswith(
                {"binary": "w = (1, 1), θ = 0.5", "logistic": "w = (10, 10), θ = −5", "tanh": "w = (1, 1), θ = −1"}[
                    name
                ]
            )
        )


def test_regions_show_the_lines_of_hidden_perceptrons():
    band = np.where(np.abs(X) < 1, 0.5, -0.5)
    network = curves(band) | {"hidden": [[[1.0, 0.0, 1.0], [1.0, 0.0, -1.0]]]}
    figure = plot_regions(["zero", "one"], {"one": curves(X) | {"hidden": [[]]}, "two": network})
    dashed = [line.get_xydata() for line in figure.axes[1].lines if line.get_linestyle() == "--"]
    assert [np.unique(xy[:, 0]).tolist() for xy in dashed] == [[1.0], [-1.0]]
    assert not [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]


def test_the_lectures_images_can_be_drawn():
    for figure in (plot_responses((0.8, 0.6), 1.0), plot_rotations(), plot_surfaces({"one": curves(X)})):
        figure.canvas.draw()
