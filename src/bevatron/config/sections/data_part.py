"""The part of a study that makes its samples: all that the stages before learning need to know of it."""

from pydantic import Field

from bevatron.config.sections.dataset import DatasetSection
from bevatron.config.sections.observable import Observable
from bevatron.config.sections.section import Count, Integer, Name, Real, Section
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.task import Task


class Evaluation(Section):
    """How metrics and their uncertainties are made."""

    bootstrap: Integer = Field(
        default=200,
        ge=20,
        description="bootstrap replicas of the test split behind every interval, drawn event by event",
    )
    confidence: Real = Field(default=0.68, gt=0.0, lt=1.0, description="probability content of the quoted intervals")
    observables: dict[Name, Observable] = Field(default={}, description="observables that need no network")
    inspect_layers: list[Name] = Field(
        default=[], description="convolutional networks whose filters, and what each layer makes of an image, are shown"
    )
    validate_source: bool = Field(
        default=False, description="show the source with published numbers, if it supports that"
    )


class DataPart(Section):
    """Source, dataset, task, and what is looked at without any network."""

    name: Name = Field(description="the study's name, the same as its file's")
    title: str = Field(description="heading in the report")
    summary: str = Field(description="a paragraph for the report: the question and the method")
    references: list[str] = Field(default=[], description="papers and lectures the study follows")
    optional: bool = Field(
        default=False,
        description="left out of the workflow, and named in the report, if files that its source reads are missing",
    )
    simulation: Simulation = Field(description="raw events")
    dataset: DatasetSection = Field(description="samples made from them")
    task: Task = Field(description="what is learned")
    n_seeds: Count = Field(default=3, le=10_000, description="runs of every model, with seeds 0 to N-1")
    evaluation: Evaluation = Field(default_factory=Evaluation, description="metrics and uncertainties")
