"""How a claim's test names the numbers it compares."""

from pydantic import Field, model_validator

from bevatron.config.kinds import Options
from bevatron.config.section import Name, Positive, Section
from bevatron.report.measured import Measured, Measurements


class MetricReference(Section):
    """One measured number: a metric of a model, or of an observable that needs no network."""

    model: Name | None = Field(None, description="model of the study; either this or 'observable'")
    observable: Name | None = Field(None, description="observable of the study; either this or 'model'")
    metric: str = Field(description="the metric's name, e.g. auc.beauty_vs_light, relative_deviation, mean.beauty")

    @model_validator(mode="after")
    def _one_source(self) -> "MetricReference":
        if (self.model is None) == (self.observable is None):
            raise ValueError("give exactly one of 'model' and 'observable'")
        return self

    def measured(self, measurements: Measurements) -> Measured:
        """Raises UserError where there is no such metric."""
        if self.model is not None:
            return measurements.of_model(self.model, self.metric)
        return measurements.of_observable(self.observable, self.metric)


class TestOptions(Options):
    """What every test has: how sure it must be."""

    __test__ = False  # pytest: no test of ours

    sigmas: Positive = Field(2.0, description="standard deviations that a verdict needs, else it is undecided")
    every_seed: bool = Field(False, description="reproduced only if each seed by itself agrees as well")

    def references(self) -> list[MetricReference]:
        """All numbers the test looks at."""
        raise NotImplementedError

    def models(self) -> list[str]:
        """Models the test looks at, which the study must have."""
        return [r.model for r in self.references() if r.model is not None]

    def observables(self) -> list[str]:
        """Observables the test looks at, which the study must have."""
        return [r.observable for r in self.references() if r.observable is not None]
