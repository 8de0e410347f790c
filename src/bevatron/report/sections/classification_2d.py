"""The report's figures and columns for two classes in a plane."""

from functools import partial

from bevatron.config.sections.task import Classification2D
from bevatron.report.page.section import section
from bevatron.report.plots.classification_2d import (
    plot_corrections,
    plot_decision_lines,
    plot_point_sets,
    plot_responses,
    plot_rotations,
    plot_surfaces,
)
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults

W, THETA = (0.8, 0.6), 1.0


@section("classification_2d")
class Classification2DSection:
    """The response of each activation, what w and θ do, lines over the points, surfaces, and Rosenblatt's steps."""

    def loss(self, task: Classification2D) -> str:
        """What the learning curves' axis is called."""
        return "half the squared error"

    def columns(self, task: Classification2D, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        other = next(name for name in task.classes if name != task.signal)
        return ["accuracy", f"auc.{task.signal}_vs_{other}", "angle_to_fisher", "weight_norm"]

    def data(self, task: Classification2D, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        name = results.study.name
        by_inputs = {", ".join(m.model.inputs): m.curves for m in results.models.values()}
        settings = f"w = ({W[0]:g}, {W[1]:g}) and θ = {THETA:g}"
        return [
            draw_figure(
                partial(plot_point_sets, task.classes, by_inputs),
                f"{name}-points",
                "Points of the test split.",
                wide=True,
            ),
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
        ]

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
        for m in results.models.values():
            if m.curves["corrections"]:
                caption = (
                    f"{m.title}: the first corrections of the first seed. A sample on the wrong side (large) moves the "
                    "line (dashed: before, full: after) towards or across it; samples on the right side change nothing."
                )
                draw = partial(plot_corrections, task.classes, m.curves)
                figures.append(draw_figure(draw, f"{name}-{m.name}-steps", caption, wide=True))
        return figures
