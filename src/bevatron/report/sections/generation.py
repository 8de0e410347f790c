"""The report's pictures and columns for generation."""

from functools import partial

from bevatron.report.plots.generation import along, course, generated_numbers, spot
from bevatron.report.plots.style import Picture, picture
from bevatron.report.results import StudyResults
from bevatron.report.section import section


@section("generation")
class GenerationSection:
    """Quality along the training, pictures along the training, and pictures to guess."""

    loss = "sum of D's and G's losses"

    def columns(self, results: StudyResults) -> list[str]:
        return ["frechet_distance", "d_accuracy", "memorisation", "diversity", "classes_made", "saddle_point"]

    def data(self, results: StudyResults) -> list[Picture]:
        return []

    def pictures(self, results: StudyResults) -> list[Picture]:
        name, models = results.study.name, results.models.values()
        of_data = next(results.metric(m.name, "frechet_distance_of_data").value for m in models)
        caption = (
            "Fréchet distance of generated pictures to the test split, in the features of a classifier of the real "
            "ones, and the saddle-point objective on the validation split; a line for each seed."
        )
        draw = partial(course, {m.label: m.curves["course"] for m in models}, of_data)
        found = [picture(draw, f"{name}-course", caption, wide=True)]
        for m in models:
            drawn = m.curves
            collapsed = f" Seeds {', '.join(map(str, drawn['collapsed']))} collapsed." if drawn["collapsed"] else ""
            caption = (
                f"{m.title}, first seed: what the generator makes of the same noise along the training, and the "
                f"training picture nearest to each of the last.{collapsed}"
            )
            draw = partial(along, drawn["course"][0]["epoch"], drawn["samples"], drawn["neighbours"])
            found.append(picture(draw, f"{name}-{m.name}-along", caption, wide=True))
        best = min(models, key=lambda m: results.metric(m.name, "frechet_distance").value)
        real, made = best.curves["test"], best.curves["samples"][-1]
        caption = (
            f"Spot the generated pictures ({best.title}). Half of them are real. The generated ones are "
            f"{', '.join(map(str, generated_numbers(real, made)))}."
        )
        return [*found, picture(partial(spot, real, made), f"{name}-spot", caption, wide=True)]
