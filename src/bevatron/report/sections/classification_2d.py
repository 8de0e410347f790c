"""The report's figures and columns for two classes in a plane."""

from functools import partial

from bevatron.config.sections.task import Classification2D
from bevatron.report.page.section import section
from bevatron.report.plots.classification_2d import (
    plot_corrections,
    plot_decision_lines,
    plot_lectured_units,
    plot_point_sets,
    plot_regions,
    plot_responses,
    plot_rotations,
    plot_surfaces,
)
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults

W, THETA = (0.8, 0.6), 1.0


@section("classification_2d")
class Classification2DSection:
    """The response of each activation, what w and θ do, lines over the points, surfaces, regions, corrections."""

    def loss(self, task: Classification2D) -> str:
        """What the learning curves' axis is called."""
        return "half the squared error"

    def columns(self, task: Classification2D, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        other = next(name for name in task.classes if name != task.signal)
        return ["accuracy", f"auc.{task.signal}_vs_{other}", "angle_to_fisher", "weight_norm"]

    def data(self, task: Classification2D, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        by_inputs = {", ".join(m.model.inputs): m.curves for m in results.models.values()}
        points = draw_figure(
            partial(plot_point_sets, task.classes, by_inputs),
            f"{results.study.name}-points",
            "Points of the test split.",
            wide=True,
        )
        units = [all(weights is not None for weights in m.curves["weights"]) for m in results.models.values()]
        return [points, *(_unit_figures(results.study.name) if sum(units) > len(units) / 2 else [])]

    def figures(self, task: Classification2D, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        name = results.study.name
        curves = {m.label: m.curves for m in results.models.values()}
        caption = "Test points and the decision line (y = ½) of every seed."
        figures = [draw_figure(partial(plot_decision_lines, task.classes, curves), f"{name}-lines", caption, wide=True)]
        caption = (
            f"What the first seed's network says of every point of the plane: its output y for class {task.signal}; "
            "dashed: y = ½."
        )
        figures.append(draw_figure(partial(plot_surfaces, curves), f"{name}-surfaces", caption, wide=True))
        if any(c["hidden"][0] for c in curves.values()):
            caption = (
                "Regions of the classes as the first seed's network has them. Dashed: the lines of its hidden layer's "
                "perceptrons, where their output is ½."
            )
            draw = partial(plot_regions, task.classes, curves)
            figures.append(draw_figure(draw, f"{name}-regions", caption, wide=True))
        for m in results.models.values():
            if m.curves["corrections"]:
                caption = (
                    f"{m.title}: the first corrections of the first seed. A sample on the wrong side (large) moves the "
                    "line (dashed: before, full: after) towards or across it; samples on the right side change nothing."
                )
                draw = partial(plot_corrections, task.classes, m.curves)
                figures.append(draw_figure(draw, f"{name}-{m.name}-steps", caption, wide=True))
        return figures


def _unit_figures(name: str) -> list[ReportFigure]:
    """What a unit's numbers do, for a study of single units."""
    settings = f"w = ({W[0]:g}, {W[1]:g}) and θ = {THETA:g}"
    return [
        draw_figure(
            partial(plot_responses, W, THETA),
            f"{name}-responses",
            f"Response y = f(w·x − θ) of a unit with {settings}, for six activations; dashed: the line w·x = θ, at "
            "the distance θ/|w| from the origin.",
            wide=True,
        ),
        draw_figure(
            plot_rotations,
            f"{name}-hyperplanes",
            "What the numbers of a unit do: the direction of w turns the line (left), its length makes the "
            "response steeper and leaves the line where it is (middle), θ shifts it (right).",
            wide=True,
        ),
        draw_figure(
            plot_lectured_units,
            f"{name}-lectured",
            "Units with the weights and thresholds of the lectures (Bevan 2020). Dashed: where the argument is zero. "
            "The binary unit compares w·x with θ, all others add θ to it: the same θ shifts their lines in opposite "
            "directions. Second row: the lectures' logistic function, with + in the exponent, falling along w. Third "
            "row: the usual one, rising along w. The two add up to 1, so that the line is the same and its sides are "
            "exchanged.",
            wide=True,
        ),
    ]
