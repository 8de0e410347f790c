"""The report's figures and columns for labels that do not exclude one another."""

from functools import partial

from bevatron.config.sections.task import MultiLabel
from bevatron.report.page.section import section
from bevatron.report.plots.labels import plot_label_roc, plot_label_scores
from bevatron.report.plots.style import ReportFigure, draw_figure
from bevatron.report.results.study_results import StudyResults
from bevatron.report.sections.examples import draw_example_figures
from bevatron.report.sections.importance import draw_importance_figures

LINES = 8  # curves of a panel that an eye can tell apart
FEW = 4  # figures of single models that are shown; more are folded away


@section("multi_label")
class MultiLabelSection:
    """ROC curves of each label for all models; of single models each label's probability and its reliability."""

    def loss(self, task: MultiLabel) -> str:
        """What the learning curves' axis is called."""
        return "binary cross entropy"

    def columns(self, task: MultiLabel, results: StudyResults) -> list[str]:
        """The metrics of the table that compares the models."""
        of_labels = [f"auc.{name}" for name in results.manifest.classes]
        return ["auc", "average_precision", "log_loss", "subset_accuracy", "hamming_loss", *of_labels]

    def data(self, task: MultiLabel, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        return draw_example_figures(results)

    def figures(self, task: MultiLabel, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        name, labels, models = results.study.name, list(results.manifest.classes), list(results.models.values())
        figures = []
        for k in range(0, len(models), LINES):
            suffix = "" if len(models) <= LINES else f"-{k // LINES + 1}"
            curves = {m.label: m.curves["roc"] for m in models[k : k + LINES]}
            caption = (
                "Fraction of the samples with each label that is kept against that of the samples without it, by one "
                "cut on the label's probability. Lines: mean of the seeds; bands: their range; dashed: a score that "
                "says nothing."
            )
            figure = draw_figure(partial(plot_label_roc, labels, curves), f"{name}-roc{suffix}", caption, wide=True)
            figures += [figure] if figure is not None else []
        for model in models:
            caption = (
                f"{model.title}. Its probability of each label, for samples with and without it; dashed: the threshold "
                "from which on a sample is said to have it. Last: predicted probabilities against the fractions "
                "observed."
            )
            draw = partial(plot_label_scores, labels, model.curves)
            figures.append(
                draw_figure(draw, f"{name}-{model.name}-labels", caption, wide=True, folded=len(models) > FEW)
            )
        return [*figures, *draw_importance_figures(results)]
