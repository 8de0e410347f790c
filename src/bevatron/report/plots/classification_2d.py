"""Units and points in a plane: what w and θ do, the lines found, the surfaces, Rosenblatt's steps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bevatron.report.plots.style import COLOURS, FAINT, INK, create_panels
from bevatron.report.tables.numbers import MINUS, exact

CLASSES = (COLOURS[0], COLOURS[2])
ACTIVATIONS = {
    "step (Rosenblatt)": lambda z: np.where(z > 0, 1.0, 0.0),
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "ReLU": lambda z: np.maximum(z, 0),
    "leaky ReLU, slope 0.01": lambda z: np.where(z > 0, z, 0.01 * z),
    "leaky ReLU, slope 0.2": lambda z: np.where(z > 0, z, 0.2 * z),
}
_LOGISTIC = ((0, 10, 0), (0, 10, -5), (10, 10, -5))
# The lectures' units: name, y of w·x and θ, the sign of θ in its argument, and (w₁, w₂, θ) of each panel.
LECTURED = (
    ("1 where w·x > θ, else 0", lambda a, t: np.where(a > t, 1.0, 0.0), -1, ((0, 1, 0), (1, 1, 0), (1, 1, 0.5))),
    ("1 / (1 + exp(+(w·x + θ)))", lambda a, t: 1 / (1 + np.exp(a + t)), 1, _LOGISTIC),
    (f"1 / (1 + exp({MINUS}(w·x + θ)))", lambda a, t: 1 / (1 + np.exp(-(a + t))), 1, _LOGISTIC),
    ("tanh(w·x + θ)", lambda a, t: np.tanh(a + t), 1, ((1, 0, 0), (1, 1, 0), (1, 1, -1))),
    ("max(0, w·x + θ)", lambda a, t: np.maximum(a + t, 0), 1, ((1, 0, 0), (1, 1, 0), (1, 0.5, 0))),
)


def plot_responses(w: tuple[float, float], theta: float) -> Figure:
    """A panel for each activation: y = f(w·x - θ) over the plane, with the line w·x = θ and the direction of w."""
    figure, panels = create_panels(len(ACTIVATIONS), height=3.3)
    side = np.linspace(-4, 4, 161)
    x, y = np.meshgrid(side, side)
    for axes, (name, f) in zip(panels, ACTIVATIONS.items(), strict=True):
        mesh = axes.pcolormesh(x, y, f(w[0] * x + w[1] * y - theta), cmap="viridis", rasterized=True)
        _draw_line(axes, w, theta, color="white", ls="--")
        foot = theta * np.array(w) / np.dot(w, w)
        axes.annotate("", foot + np.array(w), foot, arrowprops={"arrowstyle": "->", "color": "white", "lw": 1.5})
        tip = foot + 1.25 * np.array(w)
        axes.text(tip[0], tip[1], "w", color="white", ha="center", va="center")
        axes.figure.colorbar(mesh, ax=axes, label="y")
        _format_plane(axes, (-4, 4, -4, 4), name)
    return figure


def plot_lectured_units() -> Figure:
    """A row for each of the lectures' units, a panel for each of its weights; dashed: where its argument is zero."""
    panels_by_unit = [(unit, numbers) for unit in LECTURED for numbers in unit[3]]
    figure, panels = create_panels(len(panels_by_unit), columns=3, height=3.3)
    side = np.linspace(-1.5, 1.5, 81)
    x, y = np.meshgrid(side, side)
    for axes, ((name, f, sign, _), (*w, theta)) in zip(panels, panels_by_unit, strict=True):
        mesh = axes.pcolormesh(x, y, f(w[0] * x + w[1] * y, theta), cmap="viridis", rasterized=True)
        _draw_line(axes, w, -sign * theta, color="white", ls="--")
        axes.figure.colorbar(mesh, ax=axes, label="y")
        numbers = f"w = ({exact(w[0])}, {exact(w[1])}), θ = {exact(theta)}"
        _format_plane(axes, (-1.5, 1.5, -1.5, 1.5), f"{name}\n{numbers}")
    return figure


def plot_rotations() -> Figure:
    """Left: w turns the line; middle: its length leaves the line and makes the response steeper; right: θ shifts it."""
    figure, (left, middle, right) = create_panels(3, height=3.6)
    for k, degrees in enumerate((0, 30, 60, 90, 120)):
        w = (np.cos(np.radians(degrees)), np.sin(np.radians(degrees)))
        _draw_line(left, w, 1.0, color=COLOURS[k], label=f"{degrees}°")
        left.annotate("", w, (0, 0), arrowprops={"arrowstyle": "->", "color": COLOURS[k]})
    _format_plane(left, (-4, 4, -4, 4), "direction of w, θ = 1")
    left.legend(loc="lower left", ncols=2, frameon=True, edgecolor="none")
    z = np.linspace(-4, 4, 400)
    for k, length in enumerate((0.5, 1, 2, 8)):
        middle.plot(z, ACTIVATIONS["logistic"](length * z - length), color=COLOURS[k], label=f"|w| = {length:g}")
    middle.axvline(1.0, color=FAINT, lw=0.8)
    middle.set_xlim(-4, 4)
    middle.set_xlabel("distance along w")
    middle.set_ylabel("logistic response")
    middle.set_title("length of w, θ / |w| = 1", loc="left")
    middle.legend(loc="upper left")
    for k, theta in enumerate((-3, -1.5, 0, 1.5, 3)):
        _draw_line(right, (0.8, 0.6), theta, color=COLOURS[k], label=f"θ = {theta:g}")
    _format_plane(right, (-4, 4, -4, 4), "threshold θ, w = (0.8, 0.6)")
    right.legend(loc="lower left", frameon=True, edgecolor="none")
    return figure


def plot_decision_lines(classes: list[str], models: dict[str, dict]) -> Figure:
    """A panel for each model: test points and the decision line of every seed.

    models: by title the curves of metrics.json.
    """
    figure, panels = create_panels(len(models), height=3.5)
    for axes, (title, curves) in zip(panels, models.items(), strict=True):
        _draw_points(axes, curves["points"], classes)
        found_lines = [
            _draw_boundary(axes, curves, k, INK, ("-", "--", ":")[k % 3]) for k in range(len(curves["surfaces"]))
        ]
        if not any(found_lines):
            axes.text(0.5, 0.03, "no line: all points in one class", transform=axes.transAxes, ha="center")
        _format_plane(axes, curves["extent"], title)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), markerscale=3)
    return figure


def plot_surfaces(models: dict[str, dict]) -> Figure:
    """A panel for each model: its first seed's output for the second class over the plane; white: the decision line."""
    figure, panels = create_panels(len(models), height=3.3)
    for axes, (title, curves) in zip(panels, models.items(), strict=True):
        left, right, bottom, top = curves["extent"]
        values = np.array(curves["surfaces"][0]) + 0.5
        x, y = np.linspace(left, right, len(values)), np.linspace(bottom, top, len(values))
        mesh = axes.pcolormesh(x, y, values, cmap="viridis", rasterized=True)
        _draw_boundary(axes, curves, 0, "white", "--")
        axes.figure.colorbar(mesh, ax=axes, label="y")
        _format_plane(axes, curves["extent"], title)
    return figure


def plot_regions(classes: list[str], models: dict[str, dict]) -> Figure:
    """A panel for each model: the regions of its first seed, test points, and the lines of its perceptrons, dashed."""
    figure, panels = create_panels(len(models), height=3.5)
    for axes, (title, curves) in zip(panels, models.items(), strict=True):
        left, right, bottom, top = curves["extent"]
        values = np.array(curves["surfaces"][0])
        x, y = np.linspace(left, right, len(values)), np.linspace(bottom, top, len(values))
        axes.contourf(x, y, values, levels=[-np.inf, 0.0, np.inf], colors=CLASSES, alpha=0.25)
        _draw_points(axes, curves["points"], classes)
        _draw_boundary(axes, curves, 0, INK, "-")
        for *w, theta in curves["hidden"][0]:
            _draw_line(axes, w, theta, color=INK, ls="--", lw=0.8)
        _format_plane(axes, curves["extent"], title)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), markerscale=3)
    return figure


def plot_corrections(classes: list[str], curves: dict) -> Figure:
    """A panel for each of the first corrections: the sample on the wrong side, the line before and after."""
    figure, panels = create_panels(len(curves["corrections"]), height=3.5)
    for axes, step in zip(panels, curves["corrections"], strict=True):
        _draw_points(axes, curves["points"], classes, alpha=0.25)
        _draw_line(axes, step["before"][:2], step["before"][2], color=INK, ls="--", lw=1.1, label="before")
        _draw_line(axes, step["after"][:2], step["after"][2], color=INK, lw=1.6, label="after")
        axes.plot(*step["x"], "o", color=CLASSES[step["label"]], ms=9, mec=INK, mew=1.2)
        _format_plane(axes, curves["extent"], f"sample {step['step'] + 1}: {classes[step['label']]}")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), markerscale=3)
    return figure


def plot_point_sets(classes: list[str], curves_by_title: dict[str, dict]) -> Figure:
    """A panel for each set of points: the test split, one colour a class."""
    figure, panels = create_panels(len(curves_by_title), columns=3, height=3.6)
    for axes, (name, curves) in zip(panels, curves_by_title.items(), strict=True):
        _draw_points(axes, curves["points"], classes)
        _format_plane(axes, curves["extent"], name)
        axes.legend(loc="upper left", markerscale=3)
    return figure


def _draw_points(axes: Axes, points: dict, classes: list[str], alpha: float = 0.6) -> None:
    x, label = np.array(points["x"]), np.array(points["label"])
    for k, name in enumerate(classes):
        mine = x[label == k]
        axes.plot(mine[:, 0], mine[:, 1], ".", color=CLASSES[k], ms=2.5, alpha=alpha, label=name, rasterized=True)


def _draw_boundary(axes: Axes, curves: dict, seed: int, colour: str, style: str) -> bool:
    """The decision line of one seed; False where there is none, as all points fall into one class."""
    values = np.array(curves["surfaces"][seed])
    if not values.min() < 0 < values.max():
        return False
    if curves["weights"][seed] is not None and len(np.unique(values)) == 2:  # a step: contours would show the pixels
        *w, theta = curves["weights"][seed]
        _draw_line(axes, w, theta, color=colour, ls=style, lw=1.3)
        return True
    left, right, bottom, top = curves["extent"]
    x, y = np.linspace(left, right, len(values)), np.linspace(bottom, top, len(values))
    axes.contour(x, y, values, levels=[0.0], colors=[colour], linewidths=1.3, linestyles=[style])
    return True


def _draw_line(axes: Axes, w: Sequence[float], theta: float, **style: Any) -> None:
    """The line w·x = θ, right across the panel; none for w = 0."""
    normal = np.array(w, float)
    length = np.hypot(normal[0], normal[1])
    if length == 0:
        return
    foot, along = theta * normal / length**2, np.array([-normal[1], normal[0]]) / length
    ends = np.stack([foot - 100 * along, foot + 100 * along])
    axes.plot(ends[:, 0], ends[:, 1], scalex=False, scaley=False, **style)


def _format_plane(axes: Axes, extent: Sequence[float], title: str) -> None:
    axes.set_xlim(extent[0], extent[1])
    axes.set_ylim(extent[2], extent[3])
    axes.set_aspect("equal")
    axes.set_xlabel("x₁")
    axes.set_ylabel("x₂")
    axes.set_title(title, loc="left")
