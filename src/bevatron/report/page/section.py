"""What the report shows of a task: a module of `bevatron.report.sections` registers under its name."""

from typing import Protocol, TypeVar

from bevatron.config.loading.registry import Registry
from bevatron.report.plots.style import ReportFigure
from bevatron.report.results.study_results import StudyResults

SECTIONS = Registry("report section", "bevatron.report.sections")
section = SECTIONS.register

TaskT = TypeVar("TaskT", contravariant=True)


class ReportSection(Protocol[TaskT]):
    """The task's own part of a study's chapter; `task` is the study's, which has the section's name as its kind."""

    def loss(self, task: TaskT) -> str:
        """What the learning curves' axis is called."""
        ...

    def columns(self, task: TaskT, results: StudyResults) -> list[str]:
        """Metrics worth a column in the table that compares the models."""
        ...

    def data(self, task: TaskT, results: StudyResults) -> list[ReportFigure]:
        """Figures of the data, beside those of the observables."""
        ...

    def figures(self, task: TaskT, results: StudyResults) -> list[ReportFigure]:
        """Figures of what the models learned."""
        ...
