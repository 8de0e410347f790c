"""The figures of a plane: activations as the books have them, exact lines, and nothing where there is no line."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from bevatron.report.plots.classification_2d import (
    ACTIVATIONS,
    plot_corrections,
    plot_decision_lines,
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


def test_the_lectures_images_can_be_drawn():
    for figure in (plot_responses((0.8, 0.6), 1.0), plot_rotations(), plot_surfaces({"one": curves(X)})):
        figure.canvas.draw()
