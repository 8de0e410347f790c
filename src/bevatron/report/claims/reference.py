"""How a claim's test names the numbers it compares."""

from typing import Annotated

from pydantic import Field, model_validator

from bevatron.config.loading.kinds import Options
from bevatron.config.sections.section import Name, Positive, Section
from bevatron.report.results.measured import Measured, Measurements


class MetricReference(Section):
    """One measured number: a metric of a model, or of an observable that needs no network."""

    model: Name | None = Field(default=None, description="model of the study; either this or 'observable'")
    observable: Name | None = Field(default=None, description="observable of the study; either this or 'model'")
    metric: str = Field(description="the metric's name, e.g. auc.beauty_vs_light, relative_deviation, mean.beauty")
    variation: Name | None = Field(
        default=None, description="the metric under this systematic variation of the study; default: the nominal one"
    )
    shift: bool = Field(default=False, description="of a variation: the metric's shift, varied minus nominal")

    @model_validator(mode="after")
    def _one_source(self) -> "MetricReference":
        if (self.model is None) == (self.observable is None):
            raise ValueError("give exactly one of 'model' and 'observable'")
        if self.variation is not None and self.model is None:
            raise ValueError("variation: only metrics of models are varied")
        if self.shift and self.variation is None:
            raise ValueError("shift: name the variation")
        return self

    def find_measured(self, measurements: Measurements) -> Measured:
        """Raises UserError where there is no such metric."""
        if self.model is not None:
            return measurements.of_model(self.model, self.metric, self.variation, self.shift)
        assert self.observable is not None  # as validated
        return measurements.of_observable(self.observable, self.metric)


class TestOptions(Options):
    """What every test has: how sure it must be."""

    __test__ = False  # pytest: no test of ours

    sigmas: Positive = Field(
        default=2.0, le=10, description="standard deviations that a verdict needs, else it is undecided"
    )
    every_seed: bool = Field(default=False, description="reproduced only if each seed by itself agrees as well")

    def references(self) -> list[MetricReference]:
        """All numbers the test looks at."""
        raise NotImplementedError

    def models(self) -> list[str]:
        """Models the test looks at, which the study must have."""
        return [r.model for r in self.references() if r.model is not None]

    def variations(self) -> list[str]:
        """Systematic variations the test looks at, which the study must have."""
        return [r.variation for r in self.references() if r.variation is not None]

    def observables(self) -> list[str]:
        """Observables the test looks at, which the study must have."""
        return [r.observable for r in self.references() if r.observable is not None]


class ArithmeticOptions(TestOptions):
    """What the tests of arithmetic have: they measure nothing."""

    def references(self) -> list[MetricReference]:
        """None: nothing is measured."""
        return []


class GroupOptions(TestOptions):
    """One metric of several groups of models, such as the rows of a grid; the claim is made of each group."""

    metric: str = Field(description="the metric's name, of all models")
    groups: list[Annotated[list[Name], Field(min_length=2)]] = Field(
        description="groups of models, in the order claimed where there is one", min_length=1
    )

    def references(self) -> list[MetricReference]:
        """The metric of every model, group after group."""
        return [reference for group in self.references_by_group() for reference in group]

    def references_by_group(self) -> list[list[MetricReference]]:
        """The metric of every model, a list for each group."""
        return [[MetricReference(model=name, metric=self.metric) for name in group] for group in self.groups]
