"""What the report shows of a task: a module of `bevatron.report.sections` registers under its name."""

from typing import Protocol

from bevatron.config.loading.registry import Registry
from bevatron.report.plots.style import ReportFigure
from bevatron.report.results.study_results import StudyResults

SECTIONS = Registry("report section", "bevatron.report.sections")
section = SECTIONS.register


class Section(Protocol):
    """The task's own part of a study's chapter."""

    loss: str
    """What the learning curves' axis is called."""

    def columns(self, results: StudyResults) -> list[str]:
        """Metrics worth a column in the table that compares the models."""

    def data(self, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""

    def figures(self, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
