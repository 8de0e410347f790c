"""The report's figures and columns for generation."""

from functools import partial

from bevatron.config.sections.task import Generation
from bevatron.report.page.section import section
from bevatron.report.plots.generation import generated_numbers, plot_quality_history, plot_quiz, plot_sample_history
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults
from bevatron.report.tables.numbers import with_error


@section("generation")
class GenerationSection:
    """Quality along the training, images along the training, and images to guess."""

    def loss(self, task: Generation) -> str:
        """What the learning curves' axis is called."""
        return "sum of D's and G's losses"

    def columns(self, task: Generation, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        return [
            "frechet_distance",
            "frechet_distance.extrapolated",
            "precision",
            "recall",
            "d_accuracy",
            "spotted",
            "memorisation",
            "diversity",
            "classes_made",
            "saddle_point",
            "collapsed",
        ]

    def data(self, task: Generation, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        return []

    def figures(self, task: Generation, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        name, models = results.study.name, results.models.values()
        measured = results.measurements.models
        of_data, accuracy = next(
            (measured[m.name]["frechet_distance_of_data"], measured[m.name]["reference_accuracy"]) for m in models
        )
        caption = (
            "Fréchet distance of generated images to the test split, in the features of a classifier of the real "
            f"ones that recognises {accuracy.value:.1%} of the test images, and the saddle-point objective on the "
            "validation split; a line for each seed. Samples of finite size are never at a distance of zero: as many "
            f"real images, of the training split, are at {with_error(of_data.value, of_data.error)}. The table has the "
            "distance extrapolated to infinite samples beside the measured one."
        )
        draw = partial(plot_quality_history, {m.label: m.curves["course"] for m in models}, of_data.value)
        figures = [draw_figure(draw, f"{name}-course", caption, wide=True)]
        for m in models:
            curves = m.curves
            collapsed = ""
            if seeds := curves["collapsed"]:
                plural = "Seeds" if len(seeds) > 1 else "Seed"
                collapsed = (
                    f" {plural} {', '.join(map(str, seeds))} collapsed: the generator makes a few images only, or "
                    "covers fewer than one in twenty of the test images."
                )
            caption = (
                f"{m.title}, first seed: what the generator makes of the same noise along the training, and the "
                f"training image nearest to each of the last.{collapsed}"
            )
            draw = partial(plot_sample_history, curves["course"][0]["epoch"], curves["samples"], curves["neighbours"])
            figures.append(draw_figure(draw, f"{name}-{m.name}-along", caption, wide=True))
        best = min(models, key=lambda m: measured[m.name]["frechet_distance"].value)
        real, generated = best.curves["test"], best.curves["samples"][-1]
        caption = (
            f"Spot the generated images ({best.title}). Half of them are real. The generated ones are "
            f"{', '.join(map(str, generated_numbers(real, generated)))}. A network that learned to spot them tells "
            f"{measured[best.name]['spotted'].value:.0%} of the test images and of others right."
        )
        return [*figures, draw_figure(partial(plot_quiz, real, generated), f"{name}-spot", caption, wide=True)]
