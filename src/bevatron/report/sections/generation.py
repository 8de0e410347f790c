"""The report's figures and columns for generation."""

from functools import partial

from bevatron.report.page.section import section
from bevatron.report.plots.generation import along, course, generated_numbers, spot
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults


@section("generation")
class GenerationSection:
    """Quality along the training, images along the training, and images to guess."""

    loss = "sum of D's and G's losses"

    def columns(self, results: StudyResults) -> list[str]:
        return ["frechet_distance", "d_accuracy", "memorisation", "diversity", "classes_made", "saddle_point"]

    def data(self, results: StudyResults) -> list[ReportFigure]:
        return []

    def figures(self, results: StudyResults) -> list[ReportFigure]:
        name, models = results.study.name, results.models.values()
        of_data = next(results.metric(m.name, "frechet_distance_of_data").value for m in models)
        caption = (
            "Fréchet distance of generated images to the test split, in the features of a classifier of the real "
            "ones, and the saddle-point objective on the validation split; a line for each seed."
        )
        draw = partial(course, {m.label: m.curves["course"] for m in models}, of_data)
        found = [draw_figure(draw, f"{name}-course", caption, wide=True)]
        for m in models:
            drawn = m.curves
            collapsed = f" Seeds {', '.join(map(str, drawn['collapsed']))} collapsed." if drawn["collapsed"] else ""
            caption = (
                f"{m.title}, first seed: what the generator makes of the same noise along the training, and the "
                f"training image nearest to each of the last.{collapsed}"
            )
            draw = partial(along, drawn["course"][0]["epoch"], drawn["samples"], drawn["neighbours"])
            found.append(draw_figure(draw, f"{name}-{m.name}-along", caption, wide=True))
        best = min(models, key=lambda m: results.metric(m.name, "frechet_distance").value)
        real, made = best.curves["test"], best.curves["samples"][-1]
        caption = (
            f"Spot the generated images ({best.title}). Half of them are real. The generated ones are "
            f"{', '.join(map(str, generated_numbers(real, made)))}."
        )
        return [*found, draw_figure(partial(spot, real, made), f"{name}-spot", caption, wide=True)]
