"""The report's pictures and columns for classification."""

from bevatron.report.plots.calibration import calibration
from bevatron.report.plots.confusion import confusion
from bevatron.report.plots.roc import roc
from bevatron.report.plots.score import score
from bevatron.report.plots.style import Picture, grid, picture
from bevatron.report.results import ModelResults, StudyResults
from bevatron.report.section import section


@section("classification")
class ClassificationSection:
    """ROC curves of all models and of single cuts; output, confusion and calibration of each model."""

    loss = "cross entropy"

    def columns(self, results: StudyResults) -> list[str]:
        task = results.study.task
        backgrounds = [name for name in task.classes if name != task.signal]
        middle = sorted(task.efficiencies)[len(task.efficiencies) // 2]
        return [
            f"auc.{task.signal}_vs_rest",
            *(f"auc.{task.signal}_vs_{name}" for name in backgrounds),
            *(f"rejection.{name}.at_{100 * middle:g}" for name in backgrounds),
            "accuracy",
        ]

    def data(self, results: StudyResults) -> list[Picture]:
        return []

    def pictures(self, results: StudyResults) -> list[Picture]:
        task, name = results.study.task, results.study.name
        curves = {m.title: m.curves["roc"] for m in results.models.values()}
        cuts = {o["title"]: o["roc"] for o in _best_cuts(results)}
        backgrounds = [c for c in task.classes if c != task.signal]
        figure = roc(task.signal, backgrounds, curves, cuts, task.efficiencies)
        caption = (
            f"Rejection (1 / share kept) of each background against the efficiency for {task.signal}, by one "
            f"cut on the probability of {task.signal}. Lines: mean of the seeds; bands: their range; upright "
            "lines: the efficiencies at which rejections are quoted. Curves end where fewer than five "
            "background samples pass."
        )
        if cuts:
            caption += " Grey: cuts on single observables, no network."
        found = [picture(figure, f"{name}-roc", caption, wide=True)]
        return found + [_one(results, model) for model in results.models.values()]


def _one(results: StudyResults, model: ModelResults) -> Picture:
    task = results.study.task
    figure, (left, middle, right) = grid(3, height=3.5)
    score(task.signal, task.classes, model.curves["score"], left)
    confusion(task.classes, model.curves["confusion"], middle)
    calibration(task.classes, model.curves["calibration"], right)
    caption = (
        f"{model.title}. Left: its probability of {task.signal} in each class. Middle: true against "
        f"predicted class with binomial errors ({results.study.evaluation.confidence:.0%}), number of test "
        "samples in brackets. Right: predicted probabilities against the shares observed."
    )
    return picture(figure, f"{results.study.name}-{model.name}-classes", caption, wide=True)


def _best_cuts(results: StudyResults) -> list[dict]:
    """Up to three observables with the highest AUC of the signal against the rest."""
    key = f"auc.{results.study.task.signal}_vs_rest"

    def area(name: str) -> float:
        found = results.measurements.observables.get(f"{name}.{key}")
        return found.value if found is not None else 0.0

    drawn = results.data["observables"]
    return [drawn[name] for name in sorted(drawn, key=area, reverse=True)[:3]]
